"""DCN-v2 (Wang et al. 2021, "DCN V2: Improved Deep & Cross Network", eq. 1, cross and deep side by side)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.models.layers import joined, mlp, numbers


class Dcn(MonolithModel):
    """Explicit crosses of growing degree beside a deep network, joined by one last layer."""

    crosses = 2
    hidden = (256, 128)

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:
        inputs = sum(math.prod(column.shape) for column in columns) + numbers(schema)
        return _Dcn(inputs, self.crosses, self.hidden)


class _Dcn(nn.Module):
    def __init__(self, inputs: int, crosses: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.cross = nn.ModuleList(nn.Linear(inputs, inputs) for _ in range(crosses))
        self.deep = nn.Sequential(mlp([inputs, *hidden]), nn.ReLU())
        self.last = nn.Linear(inputs + hidden[-1], 1)

    def forward(self, embeddings: Mapping[str, Tensor], dense: Mapping[str, Tensor]) -> Tensor:
        first = torch.cat([*(rows.flatten(1) for rows in embeddings.values()), *joined(dense)], dim=1)
        crossed = first
        for layer in self.cross:
            crossed = first * layer(crossed) + crossed
        logits: Tensor = self.last(torch.cat([crossed, self.deep(first)], dim=1))[:, 0]
        return logits
