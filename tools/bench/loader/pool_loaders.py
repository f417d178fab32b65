"""The loop that users of Pillow and of OpenCV write in Python: a pool of threads (both let go of the interpreter's lock),
batches of uint8.   pool_loaders.py KIND FOLDER SIDE THREADS
KIND: pillow (BILINEAR, which is antialiased), cv2-linear, cv2-area."""
import glob
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import worker

BATCH = 32
kind, folder, side, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
files = sorted(glob.glob(f"{folder}/**/*.jpg", recursive=True))

if kind == "pillow":
    import PIL
    from PIL import Image, features

    fork = "-SIMD" if "post" in PIL.__version__ else ""  # Pillow-SIMD's versions are Pillow's with .postN
    note = f"Pillow{fork} {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"

    def load(path, row):
        row[:] = Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)
else:
    import cv2

    note = f"opencv-python {cv2.__version__}"
    cv2.setNumThreads(1)  # the pool's threads are all there are
    flag = cv2.INTER_AREA if kind == "cv2-area" else cv2.INTER_LINEAR

    def load(path, row):
        cv2.resize(cv2.imread(path), (side, side), dst=row, interpolation=flag)

pool = ThreadPoolExecutor(threads)


def epoch():
    for first in range(0, len(files), BATCH):
        paths = files[first:first + BATCH]
        batch = np.empty((len(paths), side, side, 3), np.uint8)
        list(pool.map(load, paths, batch))
        yield batch


worker.serve(epoch, note)
