"""Learning rates that change with the global step.

A rate is a function of the step and a value: two columns whose rates are equal may share a table. Its text
is what upstream's programs compare to find that out.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Real
from typing import Any, Protocol, TypeAlias

import attrs

from monolith.core.errors import ConfigError


class LearningRateFn(Protocol):
    """The rate at a global step (batches trained so far, summed over the workers; from 0)."""

    def __call__(self, step: int) -> float: ...


LearningRate: TypeAlias = float | LearningRateFn


def _a_number(owner: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Real):
        raise ConfigError([f"{type(owner).__name__} {field.name}={value!r}: must be a number"])


@attrs.frozen
class Constant:
    """The same rate at every step."""

    learning_rate: float = attrs.field(validator=_a_number)

    def __call__(self, step: int) -> float:  # noqa: ARG002  # this rate does not depend on it
        return self.learning_rate

    def __str__(self) -> str:
        return str(self.learning_rate)


@attrs.frozen
class PolynomialDecay:
    """From `initial_learning_rate` to `end_learning_rate` within `decay_steps`, then flat.

    (initial - end) * (1 - step / decay_steps) ** power + end, as in tf.keras.optimizers.schedules;
    with `cycle` the decay is stretched to the next multiple of `decay_steps` instead of ending.
    """

    initial_learning_rate: float = attrs.field(validator=_a_number)
    decay_steps: int = attrs.field(validator=_a_number)
    end_learning_rate: float = attrs.field(default=0.0001, validator=_a_number)
    power: float = attrs.field(default=1.0, validator=_a_number)
    cycle: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.power >= 0:
            raise ConfigError([f"PolynomialDecay power={self.power}: must be >= 0"])

    def __call__(self, step: int) -> float:
        within = max(1, self.decay_steps)
        if self.cycle:
            within *= max(1, math.ceil(step / within))
        left = float((1 - min(step, within) / within) ** self.power)
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate

    def __str__(self) -> str:
        odd = [f for f in attrs.fields(PolynomialDecay)[3:] if getattr(self, f.name) != f.default]
        shown = [*attrs.fields(PolynomialDecay)[:3], *odd]
        return f"PolynomialDecay({', '.join(f'{f.name}={getattr(self, f.name)}' for f in shown)})"


@attrs.frozen
class WarmUp:
    """Rise from 0 to what `after` says within `warmup_steps`, then follow `after`."""

    warmup_steps: int = attrs.field(validator=_a_number)
    after: LearningRate = attrs.field()

    @after.validator
    def _has_a_value(self, _: object, after: object) -> None:
        must_be_rate(after, "WarmUp after")

    def __call__(self, step: int) -> float:
        rate = rate_at(self.after, step)
        return rate * step / self.warmup_steps if step < self.warmup_steps else rate


def must_be_rate(rate: object, of: str) -> None:
    """Refuse what has no value at a step; `of` names it in the error. Upstream's functions take no step.

    Raises:
        ConfigError: it is neither a number nor a function of one argument.
    """
    if not (_takes_a_step(rate) if callable(rate) else isinstance(rate, Real)):
        raise ConfigError([f"{of} {rate!r}: must be a number, or a function of the global step"])


def _takes_a_step(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        return False
    except ValueError:
        pass  # some functions of C do not say what they take
    return True


def rate_at(rate: LearningRate, step: int) -> float:
    """`rate` at `step`, be it a number or a function."""
    return rate(step) if callable(rate) else rate
