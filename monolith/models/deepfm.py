"""DeepFM (Guo et al. 2017, "DeepFM: A Factorization-Machine based Neural Network for CTR Prediction")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.models.layers import (
    common_width,
    joined,
    mlp,
    numbers,
    pair_products,
    stacked,
    vectors_with_bias,
)


class DeepFm(MonolithModel):
    """A factorization machine and a deep network over the same vectors, added up."""

    hidden = (256, 128, 64)

    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        return vectors_with_bias(schema)

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:
        inputs = len(columns) * (common_width(columns) - 1) + numbers(schema)
        return _DeepFm([inputs, *self.hidden, 1])


class _DeepFm(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.deep = mlp(widths)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, embeddings: Mapping[str, Tensor], dense: Mapping[str, Tensor]) -> Tensor:
        rows = stacked(embeddings)
        vectors = rows[..., 1:]
        deep = self.deep(torch.cat([vectors.flatten(1), *joined(dense)], dim=1))[:, 0]
        logits: Tensor = self.bias + rows[..., 0].sum(dim=1) + pair_products(vectors) + deep
        return logits
