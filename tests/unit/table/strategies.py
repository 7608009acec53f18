"""Any segment that there can be, with numbers that survive being a float32."""

from typing import Any, get_args

import attrs
from hypothesis import strategies as st

from monolith.table.config import (
    BatchSoftmax,
    Compressor,
    Dc,
    Initializer,
    RandomUniform,
    Segment,
    StochasticRoundingFloat16,
    TableConfig,
)
from monolith.table.optimizer_config import Plain, plain

PARTS = st.integers(1, 999).map(lambda n: n / 1000)
_BY_TYPE = {"bool": st.booleans(), "int": st.integers(1, 500), "float": PARTS}


def any_of(kind: type[Any], **chosen: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a class of numbers and flags; fields that are `chosen` are drawn from there."""
    fields = {f.name: chosen.get(f.name, _BY_TYPE[str(f.type)]) for f in attrs.fields(kind)}
    return st.builds(kind, **fields)


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


tables = st.builds(TableConfig, st.lists(segments(), min_size=1, max_size=3), st.booleans())
