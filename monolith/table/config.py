"""What an embedding table is: its segments, and the names of all that a segment can be told.

Values only. The formulas stand in `kernels/`, `initializers.py` and `compressors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from monolith.config.checks import not_negative, positive
from monolith.core.errors import ConfigError
from monolith.table.compressor_config import Compressor, FixedR8, Fp16, Fp32, OneBit
from monolith.table.fields import flag, number, one_of, part, whole
from monolith.table.initializer_config import (
    Constants,
    Initializer,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
    Zeros,
    batch_softmax_initializer,
)
from monolith.table.optimizer_config import (
    Adadelta,
    Adagrad,
    Adam,
    Amsgrad,
    BatchSoftmax,
    Dc,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Momentum,
    MovingAverage,
    Optimizer,
    Rmsprop,
    RmspropV2,
    Sgd,
    StochasticRoundingFloat16,
    plain,
)
from monolith.table.retention import (
    NEVER,
    FilterConfig,
    FilterType,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
)

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Amsgrad",
    "BatchSoftmax",
    "Compressor",
    "Constants",
    "Dc",
    "DynamicWdAdagrad",
    "FilterConfig",
    "FilterType",
    "FixedR8",
    "Fp16",
    "Fp32",
    "Ftrl",
    "GroupAdaGrad",
    "GroupFtrl",
    "Initializer",
    "Momentum",
    "MovingAverage",
    "OneBit",
    "Ones",
    "Optimizer",
    "RandomNormal",
    "RandomUniform",
    "Rmsprop",
    "RmspropV2",
    "Segment",
    "Sgd",
    "SlotExpireTimeConfig",
    "SlotOccurrenceThresholdConfig",
    "StochasticRoundingFloat16",
    "TableConfig",
    "TruncatedNormal",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "batch_softmax_initializer",
]


@attrs.frozen
class Segment:
    """Part of a row: `dim` neighbouring values that start and learn, and are served, alike."""

    dim: int = whole(positive)
    initializer: Initializer = one_of(Initializer, RandomUniform())
    optimizer: Optimizer = one_of(Optimizer, Adagrad())
    compressor: Compressor = one_of(Compressor, Fp32())

    def __attrs_post_init__(self) -> None:
        if self.dim != 1 and isinstance(plain(self.optimizer), BatchSoftmax):
            raise ConfigError([f"Segment dim={self.dim}: must be 1 for BatchSoftmax"])


def _in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    held = tuple(segments) if isinstance(segments, Iterable) else (segments,)
    for segment in held:
        if not isinstance(segment, Segment):
            raise ConfigError([f"TableConfig segments, {segment!r}: must be a Segment()"])
    return held


@attrs.frozen
class TableConfig:
    """A table's rows: the values of the segments one after the other, then their optimizers' state.

    With `skip_zero_embedding` a row that is assigned or restored as nothing but zeros is forgotten instead:
    a lookup gives zeros for it all the same. For tables that serve; it is not asked when a row learns.
    Upstream forgets rows whose norm is next to nothing, too.

    Rows that have expired are forgotten whenever the table is saved; with `enable_feature_eviction` a server
    does that `feature_evict_every_n_hours`, too. With more than `max_rows` rows, or more than a
    `memory_budget_bytes` allows, the least recently updated ones are forgotten; 0 is no limit.
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_in_order)
    skip_zero_embedding: bool = flag(False)
    slot_occurrence_threshold_config: SlotOccurrenceThresholdConfig = part(SlotOccurrenceThresholdConfig)
    slot_expire_time_config: SlotExpireTimeConfig = part(SlotExpireTimeConfig)
    filter_config: FilterConfig = part(FilterConfig)
    enable_feature_eviction: bool = flag(False)
    feature_evict_every_n_hours: int = number(240, positive)
    max_rows: int = number(0, not_negative)
    memory_budget_bytes: int = number(0, not_negative)

    def __attrs_post_init__(self) -> None:
        if not self.segments:
            raise ConfigError(["a table without segments: needs at least one"])
        highest, kind = self.slot_occurrence_threshold_config.highest, self.filter_config.filter_type
        if highest > kind.counts_to:
            raise ConfigError(
                [
                    f"occurrence threshold {highest}: must be <= {kind.counts_to}, for a {kind} counts no "
                    f"further; choose {FilterType.EXACT_COUNTER} or {FilterType.PROBABILISTIC_FILTER}"
                ]
            )

    @property
    def dim(self) -> int:
        """Values in a row, without optimizer state."""
        return sum(s.dim for s in self.segments)

    @property
    def expires(self) -> bool:
        """Whether there are rows that do."""
        return self.slot_expire_time_config.shortest < NEVER

    @property
    def admits_all(self) -> bool:
        """Whether every id gets a row the first time it is seen."""
        no_filter = self.filter_config.filter_type is FilterType.NO_FILTER
        return no_filter or not self.slot_occurrence_threshold_config.highest
