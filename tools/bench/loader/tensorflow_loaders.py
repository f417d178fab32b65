"""tf.data and Keras, batches of float32.   tensorflow_loaders.py KIND FOLDER SIDE THREADS
KIND: tf.data (decode_jpeg, tf.image.resize with antialias), keras (image_dataset_from_directory as it comes: bilinear,
not antialiased)."""
import glob
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import tensorflow as tf

import worker

BATCH = 32
kind, folder, side, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tf.config.threading.set_inter_op_parallelism_threads(threads)
tf.config.threading.set_intra_op_parallelism_threads(1)


def load(path):
    picture = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(picture, (side, side), antialias=True)


if kind == "keras":
    pictures = keras.utils.image_dataset_from_directory(folder, image_size=(side, side), batch_size=BATCH,
                                                        shuffle=False, verbose=False)
else:
    files = sorted(glob.glob(f"{folder}/**/*.jpg", recursive=True))
    pictures = tf.data.Dataset.from_tensor_slices(files).map(load, num_parallel_calls=threads).batch(BATCH).prefetch(2)
options = tf.data.Options()
options.threading.private_threadpool_size = threads
pictures = pictures.with_options(options)

worker.serve(lambda: (item[0] if kind == "keras" else item for item in pictures),
             f"tensorflow {tf.__version__}, keras {keras.__version__}")
