"""A model that writes down which rows it learned from, before it does."""

import os
from pathlib import Path

from monolith.estimator.model import Mode
from monolith.models.lr import LogisticRegression


class Witness(LogisticRegression):
    def model_fn(self, module, features, mode):
        if mode is Mode.TRAIN:
            numbers = features.dense["number"].reshape(-1).to(int).tolist()
            with Path(os.environ["WITNESS"]).open("a") as file:
                file.write(f"{os.getpid()} {' '.join(map(str, numbers))}\n")
        return super().model_fn(module, features, mode)
