"""torchvision's ImageFolder and PyTorch's DataLoader.   torch_loaders.py KIND FOLDER SIDE THREADS
KIND: usual (Pillow, Resize, ToTensor, Normalize: float32), uint8 (the same up to PILToTensor), io (torchvision.io
decodes, its tensor resize; uint8: the fastest form)."""
import sys

import torch
import torchvision
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import worker

BATCH = 32
kind, folder, side, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)  # the workers are what is counted
size = (side, side)
T = torchvision.transforms
transform = {
    "usual": T.Compose([T.Resize(size), T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)]),
    "uint8": T.Compose([T.Resize(size), T.PILToTensor()]),
    "io": v2.Resize(size, antialias=True),
}[kind]


def decode(path):
    return torchvision.io.decode_jpeg(torchvision.io.read_file(path), mode=torchvision.io.ImageReadMode.RGB)


files = torchvision.datasets.ImageFolder(folder, transform=transform,
                                         **(dict(loader=decode) if kind == "io" else {}))
loader = DataLoader(files, batch_size=BATCH, num_workers=threads, persistent_workers=True)
worker.serve(lambda: (pictures for pictures, _ in loader),
             f"torch {torch.__version__}, torchvision {torchvision.__version__}",
             (lambda batch: (batch + 1) * 127.5) if kind == "usual" else lambda batch: batch)
