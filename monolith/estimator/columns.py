"""What a model says of each sparse feature: how its ids become numbers."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from monolith.core.choice import choice
from monolith.core.errors import ConfigError, ModelError
from monolith.core.schema import Schema
from monolith.estimator.learning_rates import LearningRate, must_be_rate
from monolith.table.config import (
    Adagrad,
    Compressor,
    FilterConfig,
    Fp32,
    Initializer,
    Optimizer,
    RandomUniform,
    Segment,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
)
from monolith.table.pooling import Combiner
from monolith.table.retention import NEVER

# The loss is a mean over the batch, so that gradients of a row are small: an accumulator that starts at 0.1
# would hold them down for many steps. With these, MovieLens-100K is learned in two passes.
LEARNS = Adagrad(learning_rate=0.02, initial_accumulator_value=1e-6)
STARTS = RandomUniform(-0.01, 0.01)


def _combiner(name: str) -> Combiner:
    try:
        return choice(Combiner, name, "combiner")
    except ConfigError as exc:
        raise ModelError(str(exc)) from exc


@attrs.frozen
class FeatureColumn:
    """One embedding per id of a feature, and how the ids of one example are put together.

    A row has the values of `bias`, if any, and then the `dim` values of the vector; each part starts and
    learns in its own way. The module sees float32 [B, width], or [B, max_length, width] where the combiner
    is "first_n" (further ids are cut, missing ones are zeros).

    `learning_rate` overrides the optimizer's own, and `compressor` says in what form values are served, both
    for the vector only. Columns whose rows are alike share a table: ids of different features never meet,
    since the feature's slot is part of the id.

    An id gets a row once it has occurred `occurrence_threshold` times before, as `filter_config` counts;
    until then it reads as zeros and learns nothing. A row that was not updated for `expire_days` of event
    time is forgotten, at the latest when the table is saved. So are the least recently updated ones of more
    than `max_rows` rows, or more than `memory_budget_bytes` allow: both are of the table on each server,
    and columns that share the table share them. 0 is no limit.

    Raises:
        ModelError: a length where the combiner has no use for one, or none where it needs one; or a number
            or a learning rate that cannot be.
    """

    name: str
    dim: int = 16
    combiner: Combiner = attrs.field(default=Combiner.SUM, converter=_combiner, kw_only=True)
    max_length: int = attrs.field(default=0, kw_only=True)  # first_n only: ids per example
    initializer: Initializer = attrs.field(default=STARTS, kw_only=True)
    optimizer: Optimizer = attrs.field(default=LEARNS, kw_only=True)
    compressor: Compressor = attrs.field(default=Fp32(), kw_only=True)
    learning_rate: LearningRate | None = attrs.field(default=None, kw_only=True)
    bias: Segment | None = attrs.field(default=None, kw_only=True)
    occurrence_threshold: int = attrs.field(default=0, kw_only=True)
    expire_days: int = attrs.field(default=NEVER, kw_only=True)
    filter_config: FilterConfig = attrs.field(default=FilterConfig(), kw_only=True)
    max_rows: int = attrs.field(default=0, kw_only=True)
    memory_budget_bytes: int = attrs.field(default=0, kw_only=True)
    feature: str = attrs.field(kw_only=True)  # the schema's name for it

    @feature.default
    def _same_name(self) -> str:
        return self.name

    def __attrs_post_init__(self) -> None:
        if (self.combiner is Combiner.FIRST_N) != (self.max_length > 0):
            raise ModelError(
                f"column {self.name}: max_length={self.max_length} with combiner={self.combiner}; "
                "first_n needs a max_length > 0, the other combiners take none"
            )
        try:
            _ = self.table_config
            if self.learning_rate is not None:
                must_be_rate(self.learning_rate, "learning_rate")
        except ConfigError as exc:
            raise ModelError(f"column {self.name}: {exc}") from exc

    @property
    def segments(self) -> tuple[Segment, ...]:
        vector = Segment(self.dim, self.initializer, self.optimizer, self.compressor)
        return (self.bias, vector) if self.bias else (vector,)

    @property
    def width(self) -> int:
        """Values the module gets per row, the bias included."""
        return sum(s.dim for s in self.segments)

    @property
    def table_config(self) -> TableConfig:
        return TableConfig(
            self.segments,
            slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig((), self.occurrence_threshold),
            slot_expire_time_config=SlotExpireTimeConfig((), self.expire_days),
            filter_config=self.filter_config,
            max_rows=self.max_rows,
            memory_budget_bytes=self.memory_budget_bytes,
        )

    @property
    def rates(self) -> tuple[LearningRate | None, ...]:
        """One a segment; None is the optimizer's own."""
        return (None, self.learning_rate) if self.bias else (self.learning_rate,)

    @property
    def shape(self) -> tuple[int, ...]:
        """What the module gets per example."""
        return (self.max_length, self.width) if self.max_length else (self.width,)


def checked_columns(columns: Sequence[FeatureColumn], schema: Schema) -> tuple[FeatureColumn, ...]:
    """`columns` themselves, if each reads a sparse feature of `schema` and no name stands there twice.

    Raises:
        ModelError: naming the column.
        SchemaError: the schema has no such feature.
    """
    names = [c.name for c in columns]
    for column in columns:
        if names.count(column.name) > 1:
            raise ModelError(f"column {column.name!r} stands there twice: give one of them another name")
        if not schema[column.feature].sparse:
            raise ModelError(f"column {column.name!r} reads {column.feature!r}, which is numbers, not ids")
    return tuple(columns)
