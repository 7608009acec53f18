"""A table as upstream's programs hand it around: its definition, and the learning rate of each segment."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import attrs

from monolith.core.errors import ConfigError
from monolith.estimator.learning_rates import LearningRate, must_be_rate, rate_at
from monolith.ps.definition import definition_of, to_message
from monolith.table.config import TableConfig


def _several(rates: Iterable[LearningRate] | LearningRate) -> tuple[LearningRate, ...]:
    return tuple(rates) if isinstance(rates, Iterable) else (rates,)


def _names(given: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(given or ())


@attrs.define
class HashTableConfigInstance:
    """A definition, or its message, and a number or a function of the step for each of its segments.

    Two with equal texts may share a table. `extra_restore_names` are what the table was called before, in
    checkpoints that it may go on from. A `learning_rate_tensor`, once set, stands for what the functions say.

    Raises:
        ConfigError: the definition is none, or its message asks for something that our tables do not do; a
            rate has no value at a step, or there are some, but neither one for all segments nor one for each.
    """

    table_config: TableConfig = attrs.field(converter=definition_of)
    learning_rate_fns: tuple[LearningRate, ...] = attrs.field(converter=_several)
    extra_restore_names: tuple[str, ...] = attrs.field(default=(), converter=_names)
    learning_rate_tensor: Iterable[float] | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        segments, rates = len(self.table_config.segments), len(self.learning_rate_fns)
        if rates not in {0, 1, segments}:
            raise ConfigError([f"{rates} learning_rate_fns for {segments} segments: give 1, or one for each"])
        for rate in self.learning_rate_fns:
            must_be_rate(rate, "learning_rate_fns")

    def call_learning_rate_fns(self, step: int = 0) -> tuple[float, ...]:
        """The rates at a global step, one a segment or one for all: what `apply` takes.

        Upstream gives the rates of step 0 here, whatever the step.

        Raises:
            ConfigError: there are no functions.
        """
        if self.learning_rate_tensor is not None:
            return tuple(self.learning_rate_tensor)
        if not self.learning_rate_fns:
            raise ConfigError(["Learning_rate_fns must be not empty."])
        return tuple(rate_at(rate, step) for rate in self.learning_rate_fns)

    def __str__(self) -> str:
        message = base64.b64encode(to_message(self.table_config).SerializeToString(deterministic=True))
        rates = ", ".join(str(rate) for rate in self.learning_rate_fns)
        return f"TableConfigPB: {message.decode()}, LearningRateFns: [{rates}]"
