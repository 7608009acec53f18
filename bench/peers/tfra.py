"""TensorFlow Recommenders Addons' CuckooHashTable: like ours it hashes any int64, and grows.

Adagrad is what its optimizers do, on a table of values and one of state: two lookups, two inserts.
"""

from __future__ import annotations

import os

import numpy as np

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="2", CUDA_VISIBLE_DEVICES="")

import tensorflow as tf
from tensorflow_recommenders_addons.dynamic_embedding import CuckooHashTable
from worker import EPSILON, LEARNING_RATE, MOST_IDS, START, Contender, Way, serve


class Tfra(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._values = self._filled("values", 0.5)
        self._squares = self._filled("squares", START)
        self._steps = tf.fill((MOST_IDS, dim), 0.01)

    def _filled(self, name: str, start: float) -> CuckooHashTable:
        table = CuckooHashTable(tf.int64, tf.float32, tf.zeros(self.dim), name=name, init_size=len(self.fids))
        for at in range(0, len(self.fids), MOST_IDS):
            keys = self.fids[at : at + MOST_IDS]
            table.insert(tf.constant(keys), tf.fill((len(keys), self.dim), start))
        return table

    def lookups(self) -> dict[str, Way]:
        return {"tfra lookup": self._values.lookup}

    def updates(self) -> dict[str, Way]:
        return {"tfra adagrad": self._adagrad}

    def query(self, numbers: np.ndarray) -> object:
        return tf.constant(self.fids[numbers])

    def _adagrad(self, fids: tf.Tensor) -> None:
        grads = self._steps[: len(fids)]
        values, squares = self._values.lookup(fids), self._squares.lookup(fids)
        squares += grads * grads
        values -= LEARNING_RATE * grads / (tf.sqrt(squares) + EPSILON)
        self._squares.insert(fids, squares)
        self._values.insert(fids, values)


if __name__ == "__main__":
    serve(Tfra)
