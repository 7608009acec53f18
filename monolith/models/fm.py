"""Factorization machine (Rendle 2010, "Factorization Machines", eq. 1 in the form of lemma 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.models.layers import LinearOfNumbers, common_width, pair_products, stacked, vectors_with_bias


class Fm(MonolithModel):
    """A weight per id, and an inner product per pair of ids."""

    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        return vectors_with_bias(schema)

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:
        common_width(columns)
        return _Fm(schema)


class _Fm(nn.Module):
    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.linear = LinearOfNumbers(schema)

    def forward(self, embeddings: Mapping[str, Tensor], dense: Mapping[str, Tensor]) -> Tensor:
        rows = stacked(embeddings)
        logits: Tensor = self.linear(dense) + rows[..., 0].sum(dim=1) + pair_products(rows[..., 1:])
        return logits
