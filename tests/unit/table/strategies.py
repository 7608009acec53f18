"""Any segment that there can be, with numbers that survive being a float32."""

from typing import Any, get_args

import attrs
from hypothesis import strategies as st

from monolith.table.config import (
    BatchSoftmax,
    Compressor,
    Dc,
    FilterConfig,
    FilterType,
    Initializer,
    RandomUniform,
    Segment,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    StochasticRoundingFloat16,
    TableConfig,
)
from monolith.table.optimizer_config import Plain, plain

PARTS = st.integers(1, 999).map(lambda n: n / 1000)
_BY_TYPE = {"bool": st.booleans(), "int": st.integers(1, 500), "float": PARTS}


def any_of(kind: type[Any], **chosen: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a class of numbers and flags; its fields that are `chosen` are drawn from there."""
    fields = {f.name: str(f.type) for f in attrs.fields(kind)}
    return st.builds(kind, **{n: chosen[n] if n in chosen else _BY_TYPE[t] for n, t in fields.items()})


plain_optimizers = st.sampled_from(get_args(Plain)).flatmap(any_of)
rounding = st.builds(StochasticRoundingFloat16, plain_optimizers)
optimizers = st.one_of(plain_optimizers, rounding, st.builds(Dc, plain_optimizers | rounding, PARTS))
initializers = st.sampled_from(get_args(Initializer)).flatmap(
    lambda kind: any_of(kind, minval=PARTS.map(lambda n: -n)) if kind is RandomUniform else any_of(kind)
)
compressors = st.sampled_from(get_args(Compressor)).flatmap(any_of)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    optimizer = draw(optimizers)
    dim = 1 if isinstance(plain(optimizer), BatchSoftmax) else draw(st.integers(1, 64))
    return Segment(dim, draw(initializers), optimizer, draw(compressors))


by_slot = st.dictionaries(st.integers(0, 32767), st.integers(0, 15), max_size=3)
tables = st.builds(
    TableConfig,
    st.lists(segments(), min_size=1, max_size=3),
    st.booleans(),
    slot_occurrence_threshold_config=st.builds(SlotOccurrenceThresholdConfig, by_slot, st.integers(0, 15)),
    slot_expire_time_config=st.builds(SlotExpireTimeConfig, by_slot, st.integers(0, 40_000)),
    filter_config=any_of(FilterConfig, filter_type=st.sampled_from(FilterType)),
    enable_feature_eviction=st.booleans(),
    feature_evict_every_n_hours=st.integers(1, 500),
    max_rows=st.integers(0, 2**40),
    memory_budget_bytes=st.integers(0, 2**40),
)
