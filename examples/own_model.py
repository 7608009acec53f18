"""A model of your own: what somebody watched before, and what they may watch now.

    monolith train --data DATA --model-dir MODEL --model examples/own_model.py:TwoTowers

Any MonolithModel can be named so: `path/to/file.py:Class`, or `module:Class` if it is installed.
"""

import torch
from torch import nn

from monolith.estimator.columns import FeatureColumn
from monolith.estimator.learning_rates import PolynomialDecay, WarmUp
from monolith.estimator.model import MonolithModel
from monolith.table.config import Adagrad


class TwoTowers(MonolithModel):
    """The first half of the features says who, the second half what; they meet in an inner product."""

    def columns(self, schema):
        rate = WarmUp(100, after=PolynomialDecay(0.1, decay_steps=10_000, end_learning_rate=0.02))
        return [
            FeatureColumn(f.name, dim=8, combiner="mean", optimizer=Adagrad(), learning_rate=rate)
            for f in schema.sparse
        ]

    def module(self, columns, schema):
        return Towers([c.name for c in columns])


class Towers(nn.Module):
    def __init__(self, names):
        super().__init__()
        middle = (len(names) + 1) // 2
        self.halves = names[:middle], names[middle:]
        self.towers = nn.ModuleList(nn.Linear(8 * len(half), 16) for half in self.halves)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, embeddings, dense):
        who, what = (
            tower(torch.cat([embeddings[name] for name in half], dim=1))
            for tower, half in zip(self.towers, self.halves, strict=True)
        )
        return (who * what).sum(dim=1) + self.bias
