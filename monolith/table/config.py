"""What an embedding table is: its segments, how an unseen row starts, how a row learns and how it is read.

Values only. The formulas stand in `optimizers.py`, `initializers.py` and `compressors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from monolith.config.checks import not_negative, positive
from monolith.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


_FLOAT32_MAX = 3.4028234e38


def _number(default: float, *checks: Callable[[Any], str | None]) -> Any:
    """A field that holds a number; whatever a check has to say about it is raised as ConfigError."""

    def judge(owner: object, field: attrs.Attribute[float], value: float) -> None:
        said = [check(value) for check in checks]
        said += [] if abs(value) <= _FLOAT32_MAX else ["must be a number that float32 can hold"]
        problems = [f"{type(owner).__name__} {field.name}={value}: {problem}" for problem in said if problem]
        if problems:
            raise ConfigError(problems)

    return attrs.field(default=default, validator=judge)


def _below_one(value: float) -> str | None:
    return None if 0 <= value < 1 else "must be >= 0 and < 1"


@attrs.frozen
class Zeros:
    """An unseen row starts at 0."""


@attrs.frozen
class Constants:
    """An unseen row starts at `constant`."""

    constant: float = _number(0.0)


@attrs.frozen
class RandomUniform:
    """An unseen row starts anywhere in [minval, maxval), decided by seed and fid alone."""

    minval: float = _number(-0.05)
    maxval: float = _number(0.05)

    def __attrs_post_init__(self) -> None:
        if self.minval > self.maxval:
            raise ConfigError([f"RandomUniform minval={self.minval}: must be <= maxval={self.maxval}"])


@attrs.frozen
class Sgd:
    """Gradient descent."""

    learning_rate: float = _number(0.01, not_negative)


@attrs.frozen
class Adagrad:
    """Adagrad. The accumulator divides, so it may not start at 0."""

    learning_rate: float = _number(0.001, not_negative)
    initial_accumulator_value: float = _number(0.1, positive)
    weight_decay_factor: float = _number(0.0, not_negative)


@attrs.frozen
class Adam:
    """Adam with the powers of beta kept per row."""

    learning_rate: float = _number(0.01, not_negative)
    beta1: float = _number(0.9, _below_one)
    beta2: float = _number(0.99, _below_one)
    epsilon: float = _number(0.01, positive)
    weight_decay_factor: float = _number(0.0, not_negative)
    use_nesterov: bool = False


@attrs.frozen
class Ftrl:
    """Follow the regularised leader."""

    learning_rate: float = _number(0.01, not_negative)
    initial_accumulator_value: float = _number(0.1, not_negative)
    beta: float = _number(0.0, not_negative)
    l1_regularization_strength: float = _number(0.0, not_negative)
    l2_regularization_strength: float = _number(0.0, not_negative)


@attrs.frozen
class Fp32:
    """A value is served, and read in training, as it is."""


@attrs.frozen
class Fp16:
    """A value is served as a half; training reads it as it is."""


@attrs.frozen
class FixedR8:
    """A value is served as one of 256 in [-r, r), and training reads it so rounded."""

    r: float = _number(1.0, positive)


@attrs.frozen
class OneBit:
    """A value is served as plus or minus `amplitude`; training reads a tanh, steeper step by step."""

    step_size: int = _number(200, positive)
    init_scale: float = _number(1.0, positive)
    max_scale: float = _number(10000.0, positive)
    amplitude: float = _number(0.1, positive)


Initializer: TypeAlias = Zeros | Constants | RandomUniform
Optimizer: TypeAlias = Sgd | Adagrad | Adam | Ftrl
Compressor: TypeAlias = Fp32 | Fp16 | FixedR8 | OneBit


@attrs.frozen
class Segment:
    """Part of a row: `dim` neighbouring values that start and learn, and are served, alike."""

    dim: int
    initializer: Initializer = RandomUniform()
    optimizer: Optimizer = Adagrad()
    compressor: Compressor = Fp32()

    def __attrs_post_init__(self) -> None:
        if self.dim <= 0:
            raise ConfigError([f"segment dim={self.dim}: must be > 0"])


def _in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return tuple(segments)


@attrs.frozen
class TableConfig:
    """A table's rows: the values of the segments one after the other, then their optimizers' state.

    With `skip_zero_embedding` a row that is assigned or restored as nothing but zeros is forgotten instead:
    a lookup gives zeros for it all the same. For tables that serve; it is not asked when a row learns.
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_in_order)
    skip_zero_embedding: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.segments:
            raise ConfigError(["a table without segments: needs at least one"])

    @property
    def dim(self) -> int:
        """Values in a row, without optimizer state."""
        return sum(s.dim for s in self.segments)
