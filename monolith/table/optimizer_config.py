"""How a row learns: one class an optimizer, and two that wrap another.

A class is called like its message without `OptimizerConfig`, its fields as there, and a field that is not
given, or is None, has the message's default. What the fields mean is in the formulas in `kernels/`.
A `learning_rate` counts where `apply` is given none; during the first `warmup_steps` steps it rises from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import attrs

from monolith.config.checks import not_negative, positive
from monolith.core.errors import ConfigError
from monolith.table.fields import below_one, flag, number


@attrs.frozen
class Sgd:
    """Gradient descent."""

    learning_rate: float = number(0.01, not_negative)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class Momentum:
    """Gradient descent with momentum, Nesterov's or the plain one."""

    learning_rate: float = number(0.01, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    use_nesterov: bool = flag(False)
    momentum: float = number(0.9, below_one)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class MovingAverage:
    """The average of what is given as gradients, for values that are told rather than learned."""

    momentum: float = number(0.9, below_one)


@attrs.frozen
class BatchSoftmax:
    """The mean number of steps between two of an id's occurrences. For segments of one value."""

    learning_rate: float = number(0.1, not_negative)


@attrs.frozen
class Adagrad:
    """Adagrad.

    `hessian_compression_times` is kept for others; here as upstream nothing depends on it.
    """

    learning_rate: float = number(0.001, not_negative)
    initial_accumulator_value: float = number(0.1, not_negative)
    hessian_compression_times: int = number(1)
    warmup_steps: int = number(0, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)


@attrs.frozen
class DynamicWdAdagrad:
    """Adagrad whose weight decay can be apart from the gradient.

    The defaults are those of upstream's builder; its message has False where it has True.
    `enable_dynamic_wd`, `flip_direction`, `dynamic_wd_temperature` and `hessian_compression_times` are kept
    for others; nothing depends on them, for upstream has published no formula with them.
    """

    learning_rate: float = number(0.001, not_negative)
    initial_accumulator_value: float = number(0.1, not_negative)
    hessian_compression_times: int = number(1)
    warmup_steps: int = number(0, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    decouple_weight_decay: bool = flag(True)
    enable_dynamic_wd: bool = flag(True)
    flip_direction: bool = flag(True)
    dynamic_wd_temperature: float = number(1.0)


@attrs.frozen
class GroupAdaGrad:
    """Adagrad with group lasso: one accumulator a row, and rows that matter little become 0."""

    learning_rate: float = number(0.01, not_negative)
    beta: float = number(0.0, not_negative)
    initial_accumulator_value: float = number(0.1, not_negative)
    l2_regularization_strength: float = number(0.0, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class Adadelta:
    """Adadelta, with a learning rate before it."""

    learning_rate: float = number(0.01, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    averaging_ratio: float = number(0.9, below_one)
    epsilon: float = number(0.01, positive)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class Rmsprop:
    """RMSprop with 1 added to the root."""

    learning_rate: float = number(0.01, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    momentum: float = number(0.9, below_one)


@attrs.frozen
class RmspropV2:
    """RMSprop whose accumulator is a sum that fades, not a mean."""

    learning_rate: float = number(0.01, not_negative)
    weight_decay_factor: float = number(0.0, not_negative)
    momentum: float = number(0.9, below_one)


@attrs.frozen
class Adam:
    """Adam with the powers of beta kept per row.

    `use_beta1_warmup` is kept for others; here as upstream nothing depends on it.
    """

    learning_rate: float = number(0.01, not_negative)
    beta1: float = number(0.9, below_one)
    beta2: float = number(0.99, below_one)
    use_beta1_warmup: bool = flag(False)
    weight_decay_factor: float = number(0.0, not_negative)
    use_nesterov: bool = flag(False)
    epsilon: float = number(0.01, positive)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class Amsgrad:
    """Adam whose second moment never falls."""

    learning_rate: float = number(0.01, not_negative)
    beta1: float = number(0.9, below_one)
    beta2: float = number(0.99, below_one)
    weight_decay_factor: float = number(0.0, not_negative)
    use_nesterov: bool = flag(False)
    epsilon: float = number(0.01, positive)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class Ftrl:
    """Follow the regularised leader."""

    learning_rate: float = number(0.01, not_negative)
    initial_accumulator_value: float = number(0.1, not_negative)
    beta: float = number(0.0, not_negative)
    l1_regularization_strength: float = number(0.0, not_negative)
    l2_regularization_strength: float = number(0.0, not_negative)
    warmup_steps: int = number(0, not_negative)


@attrs.frozen
class GroupFtrl:
    """Follow the regularised leader, where the whole segment of a row is 0 or none of it."""

    learning_rate: float = number(0.01, not_negative)
    initial_accumulator_value: float = number(0.0, not_negative)
    beta: float = number(1.0, not_negative)
    l1_regularization_strength: float = number(0.0, not_negative)
    l2_regularization_strength: float = number(0.0, not_negative)
    warmup_steps: int = number(0, not_negative)


# fmt: off
Plain: TypeAlias = (
    Sgd | Momentum | MovingAverage | BatchSoftmax | Adagrad | DynamicWdAdagrad | GroupAdaGrad | Adadelta
    | Rmsprop | RmspropV2 | Adam | Amsgrad | Ftrl | GroupFtrl
)
# fmt: on


@attrs.frozen
class Dc:
    """Compensates for gradients having been computed with older values, then does as `optimizer`."""

    optimizer: Plain | StochasticRoundingFloat16
    lambda_: float = number(0.0, not_negative)

    def __attrs_post_init__(self) -> None:
        _judge(self)


@attrs.frozen
class StochasticRoundingFloat16:
    """Does as `optimizer`, then rounds each value to the half below or above it, the nearer the likelier."""

    optimizer: Plain | Dc

    def __attrs_post_init__(self) -> None:
        _judge(self)


Optimizer: TypeAlias = Plain | Dc | StochasticRoundingFloat16


def plain(optimizer: Optimizer) -> Plain:
    """The optimizer within the wrappers, which keeps the state and has the learning rate."""
    return plain(optimizer.optimizer) if isinstance(optimizer, Dc | StochasticRoundingFloat16) else optimizer


def compensation(optimizer: Optimizer) -> Dc | None:
    """The `Dc` among the wrappers."""
    return next((one for one in _layers(optimizer) if isinstance(one, Dc)), None)


def rounds(optimizer: Optimizer) -> bool:
    """Whether a `StochasticRoundingFloat16` is among the wrappers."""
    return any(isinstance(one, StochasticRoundingFloat16) for one in _layers(optimizer))


def squares(optimizer: Optimizer) -> bool:
    """Whether the state has squares of gradients."""
    return not isinstance(plain(optimizer), Sgd | Momentum | MovingAverage | BatchSoftmax)


def own_rate(optimizer: Optimizer, step: int) -> float:
    """The learning rate of an optimizer that is given none, at a global step (0 for those that need none).

    It rises from 0 to the optimizer's own within `warmup_steps`, as upstream's polynomial decay does.
    """
    own = plain(optimizer)
    rate: float = getattr(own, "learning_rate", 0.0)
    warmup: int = getattr(own, "warmup_steps", 0)
    return rate * step / warmup if step < warmup else rate


def _layers(optimizer: Optimizer) -> Iterator[Optimizer]:
    """From the outside in."""
    yield optimizer
    if isinstance(optimizer, Dc | StochasticRoundingFloat16):
        yield from _layers(optimizer.optimizer)


def _judge(wrapper: Dc | StochasticRoundingFloat16) -> None:
    name, within = type(wrapper).__name__, plain(wrapper)
    if not isinstance(within, Plain):
        raise ConfigError([f"{name} optimizer={within!r}: must be an optimizer, such as Sgd()"])
    if sum(type(one) is type(wrapper) for one in _layers(wrapper)) > 1:
        raise ConfigError([f"{name} within itself: once is enough"])
