"""How an unseen row starts: one class an initializer, called like its message without `InitializerConfig`.

The random ones draw from (seed, fid, column) alone. Upstream has the first four; the others are ours.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from monolith.config.checks import not_negative
from monolith.core.errors import ConfigError
from monolith.table.fields import FLOAT32_MAX, number

FARTHEST = 7.0  # more standard deviations than 32 bits ever draw


@attrs.frozen
class Zeros:
    """An unseen row starts at 0."""


@attrs.frozen
class Ones:
    """An unseen row starts at 1."""


@attrs.frozen
class Constants:
    """An unseen row starts at `constant`."""

    constant: float = number(0.0)


@attrs.frozen
class RandomUniform:
    """An unseen row starts anywhere in [minval, maxval)."""

    minval: float = number(-0.05)
    maxval: float = number(0.05)

    def __attrs_post_init__(self) -> None:
        if self.minval > self.maxval:
            raise ConfigError([f"RandomUniform minval={self.minval}: must be <= maxval={self.maxval}"])
        _must_reach(self, self.maxval - self.minval)


@attrs.frozen
class RandomNormal:
    """An unseen row starts around `mean`, with standard deviation `std`."""

    mean: float = number(0.0)
    std: float = number(0.01, not_negative)

    def __attrs_post_init__(self) -> None:
        _must_reach(self, abs(self.mean) + FARTHEST * self.std)


@attrs.frozen
class TruncatedNormal:
    """As `RandomNormal`, but within two standard deviations: draws beyond are made again."""

    mean: float = number(0.0)
    std: float = number(0.01, not_negative)

    def __attrs_post_init__(self) -> None:
        _must_reach(self, abs(self.mean) + FARTHEST * self.std)


@attrs.frozen
class XavierUniform:
    """Uniform in ±gain · √(6 / (1 + dim)), for segments of `dim` values (Glorot, Bengio 2010)."""

    gain: float = number(1.0, not_negative)

    def __attrs_post_init__(self) -> None:
        _must_reach(self, FARTHEST * self.gain)


@attrs.frozen
class XavierNormal:
    """Normal with standard deviation gain · √(2 / (1 + dim)), for segments of `dim` values."""

    gain: float = number(1.0, not_negative)

    def __attrs_post_init__(self) -> None:
        _must_reach(self, FARTHEST * self.gain)


Initializer: TypeAlias = (
    Zeros | Ones | Constants | RandomUniform | RandomNormal | TruncatedNormal | XavierUniform | XavierNormal
)


def _must_reach(initializer: Initializer, far: float) -> None:
    """Refuse an initializer whose values may lie so far out, or apart, that float32 makes them infinite."""
    if not far <= FLOAT32_MAX:
        raise ConfigError([f"{initializer}: what it draws must be within what float32 can hold"])


def batch_softmax_initializer(init_step_interval: float) -> Constants:
    """What rows that learn by `BatchSoftmax` start at: a first guess of the steps between two occurrences.

    Raises:
        ConfigError: the interval is below 1, or no number.
    """
    start = Constants(init_step_interval)
    if start.constant < 1:
        raise ConfigError([f"init_step_interval should be >= 1, while got {init_step_interval}"])
    return start
