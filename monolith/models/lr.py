"""Logistic regression: one weight per id, one per number (McMahan et al. 2013, "Ad click prediction")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from monolith.core.schema import Schema
from monolith.estimator.columns import FeatureColumn
from monolith.estimator.model import MonolithModel
from monolith.models.layers import LINEAR, LinearOfNumbers, stacked


class LogisticRegression(MonolithModel):
    """The sum of the weights of all that a row has."""

    def columns(self, schema: Schema) -> Sequence[FeatureColumn]:
        return [
            FeatureColumn(f.name, LINEAR.dim, initializer=LINEAR.initializer, optimizer=LINEAR.optimizer)
            for f in schema.sparse
        ]

    def module(self, columns: Sequence[FeatureColumn], schema: Schema) -> nn.Module:  # noqa: ARG002
        return _Sum(schema)


class _Sum(nn.Module):
    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.linear = LinearOfNumbers(schema)

    def forward(self, embeddings: Mapping[str, Tensor], dense: Mapping[str, Tensor]) -> Tensor:
        logits: Tensor = self.linear(dense) + stacked(embeddings).sum(dim=(1, 2))
        return logits
