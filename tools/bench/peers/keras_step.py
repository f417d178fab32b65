"""Keras on TensorFlow, CPU: one train_on_batch on tensors already in memory.   keras_step.py NET BATCH"""
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

import timing

NETS = {
    "article": ((300, 300, 3), 2, [
        L.Conv2D(10, 5, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2, activation="softmax")]),
    "lenet5": ((28, 28, 1), 10, [
        L.Conv2D(6, 5, padding="same", activation="relu"), L.MaxPooling2D(2), L.Conv2D(16, 5, activation="relu"),
        L.MaxPooling2D(2), L.Flatten(), L.Dense(120, activation="relu"), L.Dense(84, activation="relu"),
        L.Dense(10, activation="softmax")]),
}

net, batch = sys.argv[1], int(sys.argv[2])
tf.config.threading.set_intra_op_parallelism_threads(os.cpu_count())
keras.utils.set_random_seed(0)
shape, classes, layers = NETS[net]
model = keras.Sequential([L.Input(shape), *layers])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
x = keras.ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (batch, *shape)).astype("float32"))
y = keras.ops.convert_to_tensor((np.arange(batch) % classes).astype("int32"))

timing.report("Keras on TensorFlow", net, batch, lambda: model.train_on_batch(x, y),
              f"keras {keras.__version__}, tensorflow {tf.__version__}, {model.count_params()} parameters")
