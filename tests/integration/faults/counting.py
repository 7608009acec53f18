"""A model that counts: every value of a row is how often the row was trained. Gradients are whole numbers.

Which rows are trained it writes down before it does, a line a batch: its process, then their numbers.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import EstimatorSpec, Features, Mode, MonolithModel
from monolith.table.config import Sgd, Zeros

WITNESS = "WITNESS"  # where to write it down
TABLES = {"user": 8, "item": 2}  # and how wide their rows are


class Counting(MonolithModel):
    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        return [FeatureColumn(n, d, initializer=Zeros(), optimizer=Sgd(1.0)) for n, d in TABLES.items()]

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:
        return nn.Linear(1, 1)  # of no use, but there has to be something dense

    def model_fn(self, module: nn.Module, features: Features, mode: Mode) -> EstimatorSpec:
        if mode is Mode.TRAIN:
            numbers = features.dense["number"].reshape(-1).long().tolist()
            with Path(os.environ[WITNESS]).open("a") as file:
                file.write(f"{os.getpid()} {' '.join(map(str, numbers))}\n")
        loss = -sum(rows.sum() for rows in features.embeddings.values()) + 0 * next(module.parameters()).sum()
        pred = torch.full_like(features.labels, 0.5)
        return EstimatorSpec(mode=mode, pred=pred, label=features.labels, loss=loss, classification=False)
