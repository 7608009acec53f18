"""DLRM (Naumov et al. 2019, "Deep Learning Recommendation Model for Personalization and Recommendation")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.models.layers import common_width, joined, mlp, numbers, stacked


class Dlrm(MonolithModel):
    """Numbers become one more vector; the inner products of all pairs of vectors feed a network."""

    bottom = (64,)
    top = (256, 128)

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:
        return _Dlrm(len(columns), common_width(columns), numbers(schema), (self.bottom, self.top))


class _Dlrm(nn.Module):
    pairs: Tensor  # [2, vectors * (vectors - 1) / 2]

    def __init__(self, columns: int, dim: int, numbers: int, hidden: tuple[Sequence[int], ...]) -> None:
        super().__init__()
        bottom, top = hidden
        vectors = columns + (numbers > 0)
        self.bottom = mlp([numbers, *bottom, dim]) if numbers else None
        self.register_buffer("pairs", torch.triu_indices(vectors, vectors, offset=1), persistent=False)
        self.top = mlp([self.pairs.shape[1] + dim * (numbers > 0), *top, 1])

    def forward(self, embeddings: Mapping[str, Tensor], dense: Mapping[str, Tensor]) -> Tensor:
        extra = [self.bottom(values) for values in joined(dense)] if self.bottom else []
        vectors = torch.cat([stacked(embeddings), *(values[:, None] for values in extra)], dim=1)
        first, second = self.pairs
        products = (vectors @ vectors.transpose(1, 2))[:, first, second]
        logits: Tensor = self.top(torch.cat([products, *extra], dim=1))[:, 0]
        return logits
