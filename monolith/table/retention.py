"""Which ids a table gives rows to, and how long they keep them. Values only, named as upstream names them.

What counts and forgets stands in `admission/` and `eviction.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from operator import index
from typing import TYPE_CHECKING, TypeAlias

import attrs
import numpy as np

from monolith.config.checks import not_negative, positive
from monolith.core.choice import choice
from monolith.core.errors import ConfigError
from monolith.core.fids import MAX_SLOT
from monolith.table.fields import flag, number

if TYPE_CHECKING:
    from monolith.core.arrays import Indices

BySlot: TypeAlias = tuple[tuple[int, int], ...]

NEVER = 36500  # days; upstream's default, and the time from which on a row never expires
MOST = 2**32 - 1  # that the messages have room for
DAY_S = 86400


def _by_slot(values: Mapping[int, int] | Iterable[Iterable[int]]) -> BySlot:
    pairs = values.items() if isinstance(values, Mapping) else values
    if not isinstance(pairs, Iterable):
        raise ConfigError([f"slots and values {pairs!r}: must be a mapping, such as {{3: 30}}"])
    return tuple(sorted(map(_whole, pairs)))


def _whole(pair: Iterable[int]) -> tuple[int, int]:
    """As Python's own numbers, for manifests hold no others."""
    try:
        slot, value = pair
        return index(slot), index(value)
    except (TypeError, ValueError):
        raise ConfigError([f"slot and value {pair!r}: must be two whole numbers"]) from None


def _slots_checked(owner: object, field: attrs.Attribute[BySlot], pairs: BySlot) -> None:
    slots = [slot for slot, _ in pairs]
    problems = [f"{slot}: is not in 0..{MAX_SLOT}" for slot in slots if not 0 <= slot <= MAX_SLOT]
    problems += [f"{slot}: stands there twice" for slot in sorted({s for s in slots if slots.count(s) > 1})]
    problems += [f"{slot} is {value}: {said}" for slot, value in pairs if (said := _counted(value))]
    if problems:
        raise ConfigError([f"{type(owner).__name__} {field.name}, slot {problem}" for problem in problems])


def _counted(value: int) -> str | None:
    return not_negative(value) or (None if value <= MOST else f"must be <= {MOST}")


def _spread(default: int, pairs: BySlot) -> Indices:
    """The value of every slot, (MAX_SLOT + 1,)."""
    values = np.full(MAX_SLOT + 1, default, np.int64)
    for slot, value in pairs:
        values[slot] = value
    return values


@attrs.frozen
class SlotOccurrenceThresholdConfig:
    """How often an id must have occurred before it gets a row: by slot, which may come as a mapping."""

    slot_occurrence_thresholds: BySlot = attrs.field(default=(), converter=_by_slot, validator=_slots_checked)
    default_occurrence_threshold: int = number(0, _counted)

    @property
    def highest(self) -> int:
        return max(self.default_occurrence_threshold, *(t for _, t in self.slot_occurrence_thresholds), 0)

    def by_slot(self) -> Indices:
        """The threshold of every slot, (MAX_SLOT + 1,)."""
        return _spread(self.default_occurrence_threshold, self.slot_occurrence_thresholds)


@attrs.frozen
class SlotExpireTimeConfig:
    """After how many days without an update a row is forgotten: by slot, which may come as a mapping.

    From 36500 on, it is never. Days are counted in event time, up to the latest that the table was told.
    """

    slot_expire_times: BySlot = attrs.field(default=(), converter=_by_slot, validator=_slots_checked)
    default_expire_time: int = number(NEVER, _counted)

    @property
    def shortest(self) -> int:
        return min(self.default_expire_time, *(days for _, days in self.slot_expire_times), NEVER)

    def by_slot(self) -> Indices:
        """Seconds that a row lives without an update in every slot, (MAX_SLOT + 1,)."""
        days = _spread(self.default_expire_time, self.slot_expire_times)
        return np.where(days >= NEVER, np.iinfo(np.int64).max, days * DAY_S)


class FilterType(StrEnum):
    """Who remembers how often ids without a row have occurred."""

    NO_FILTER = "no_filter"  # nobody: thresholds mean nothing
    EXACT_COUNTER = "exact_counter"
    HASH_FILTER = "hash_filter"
    SLIDING_HASH_FILTER = "sliding_hash_filter"
    PROBABILISTIC_FILTER = "probabilistic_filter"

    @property
    def counts_to(self) -> int:
        """The highest threshold that it can tell from higher ones."""
        return 15 if self in {FilterType.HASH_FILTER, FilterType.SLIDING_HASH_FILTER} else 2**63 - 1


def _filter_type(name: str) -> FilterType:
    return choice(FilterType, name, "FilterConfig filter_type")


@attrs.frozen
class FilterConfig:
    """The filter of a table with occurrence thresholds; a table without any has none.

    `filter_capacity` is how many ids it remembers, in three bytes each, or up to 160 of the exact counter:
    upstream has 300,000,000 for all tables of a server, here each table has a filter of its own.
    `filter_split_num` is how many parts the sliding one forgets in turn; `filter_equal_probability`, whether
    each occurrence has the same chance with the probabilistic one.
    """

    filter_type: FilterType = attrs.field(default=FilterType.SLIDING_HASH_FILTER, converter=_filter_type)
    filter_capacity: int = number(10_000_000, positive)
    filter_split_num: int = number(7, positive)
    filter_equal_probability: bool = flag(True)
