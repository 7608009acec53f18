"""Gradients whose norm, that of all together, is limited (Pascanu, Mikolov, Bengio 2013)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from monolith.core.errors import ConfigError


def global_norm(tensors: Sequence[torch.Tensor]) -> float:
    """The root of the sum of all squares; 0 where there is nothing.

    Upstream's is infinite, too, where only the squares are more than float32 holds.
    """
    norm = float(torch.nn.utils.get_total_norm(tensors, foreach=True))
    if math.isinf(norm):
        norm = float(torch.nn.utils.get_total_norm([tensor.double() for tensor in tensors], foreach=True))
    return norm


def factor(norm: float, clip_norm: float) -> float:
    """What tensors of a global `norm` are multiplied by: at most 1, and NaN where the norm is no number.

    Raises:
        ConfigError: `clip_norm` is no norm.
    """
    if not clip_norm >= 0:
        raise ConfigError([f"clip_norm={clip_norm}: must be >= 0"])
    if not math.isfinite(norm):
        return math.nan
    return clip_norm / norm if norm > clip_norm else 1.0


def clip_by_global_norm(tensors: Sequence[torch.Tensor], clip_norm: float) -> list[torch.Tensor]:
    """The tensors, or where their global norm is above `clip_norm`, shorter ones of that norm.

    Those that are given stay as they are. Where their norm is infinite or NaN, every value returned is NaN.

    Raises:
        ConfigError: `clip_norm` is negative or NaN.
    """
    scale = factor(global_norm(tensors), clip_norm)
    return [tensor * scale for tensor in tensors]
