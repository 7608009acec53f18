"""What the built-in models are put together from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from monolith.core.errors import ModelError
from monolith.core.schema import Schema
from monolith.estimator.columns import LEARNS, FeatureColumn
from monolith.table.config import Segment, Zeros

LINEAR = Segment(1, Zeros(), LEARNS)  # a weight per id


def vectors_with_bias(schema: Schema, dim: int = 16) -> list[FeatureColumn]:
    """A vector and, before it, a linear weight for every id of every sparse feature."""
    return [FeatureColumn(feature.name, dim, bias=LINEAR) for feature in schema.sparse]


class LinearOfNumbers(nn.Module):
    """A constant, and a weight per number of the dense features, [B] or, without numbers, [1]."""

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        width = numbers(schema)
        self.bias = nn.Parameter(torch.zeros(1))
        self.weights = nn.Linear(width, 1, bias=False) if width else None

    def forward(self, dense: Mapping[str, Tensor]) -> Tensor:
        if self.weights is None:
            return self.bias
        weighed: Tensor = self.weights(joined(dense)[0])[:, 0]
        return self.bias + weighed


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers from the first of `widths` to the last, with ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def stacked(embeddings: Mapping[str, Tensor]) -> Tensor:
    """All columns side by side, [B, columns, width]; they must be equally wide."""
    return torch.stack(list(embeddings.values()), dim=1)


def joined(dense: Mapping[str, Tensor]) -> list[Tensor]:
    """The dense features as one [B, numbers] tensor, in a list that is empty if there are none."""
    return [torch.cat(list(dense.values()), dim=1)] if dense else []


def numbers(schema: Schema) -> int:
    """How many numbers the dense features of a row have together."""
    return sum(feature.width for feature in schema.dense)


def pair_products(vectors: Tensor) -> Tensor:
    """The inner products of all pairs of [B, n, dim] summed: (|sum v|² - sum |v|²) / 2, [B] (Rendle 2010)."""
    return (vectors.sum(dim=1).square() - vectors.square().sum(dim=1)).sum(dim=1) / 2


def common_width(columns: Sequence[FeatureColumn]) -> int:
    """How wide the columns are, all alike.

    Raises:
        ModelError: they are not, or there are none.
    """
    widths = sorted({column.width for column in columns})
    if len(widths) != 1:
        raise ModelError(f"this model needs columns of one width; they have {widths or 'none'}")
    return widths[0]
