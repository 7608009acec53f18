"""What an embedding table is: its segments, how an unseen row starts, how a row learns.

Values only. The formulas stand in `optimizers.py` and `initializers.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from monolith.core.errors import ConfigError


@attrs.frozen
class Zeros:
    """An unseen row starts at 0."""


@attrs.frozen
class Constants:
    """An unseen row starts at `constant`."""

    constant: float = 0.0


@attrs.frozen
class RandomUniform:
    """An unseen row starts anywhere in [minval, maxval), decided by seed and fid alone."""

    minval: float = -0.05
    maxval: float = 0.05


@attrs.frozen
class Sgd:
    """Gradient descent."""

    learning_rate: float = 0.01


@attrs.frozen
class Adagrad:
    """Adagrad."""

    learning_rate: float = 0.001
    initial_accumulator_value: float = 0.1
    weight_decay_factor: float = 0.0


@attrs.frozen
class Adam:
    """Adam with the powers of beta kept per row."""

    learning_rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 0.01
    weight_decay_factor: float = 0.0
    use_nesterov: bool = False


@attrs.frozen
class Ftrl:
    """Follow the regularised leader."""

    learning_rate: float = 0.01
    initial_accumulator_value: float = 0.1
    beta: float = 0.0
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0


Initializer: TypeAlias = Zeros | Constants | RandomUniform
Optimizer: TypeAlias = Sgd | Adagrad | Adam | Ftrl


@attrs.frozen
class Segment:
    """Part of a row: `dim` neighbouring values that start and learn alike."""

    dim: int
    initializer: Initializer = RandomUniform()
    optimizer: Optimizer = Adagrad()

    def __attrs_post_init__(self) -> None:
        if self.dim <= 0:
            raise ConfigError([f"segment dim={self.dim}: must be > 0"])


def _in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return tuple(segments)


@attrs.frozen
class TableConfig:
    """A table's rows: the values of the segments one after the other, then their optimizers' state."""

    segments: tuple[Segment, ...] = attrs.field(converter=_in_order)

    @property
    def dim(self) -> int:
        """Values in a row, without optimizer state."""
        return sum(s.dim for s in self.segments)
