"""Table definitions survive the wire; what our tables cannot do is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import ConfigError
from monolith.ps.definition import from_message, to_message
from monolith.table.config import (
    Adagrad,
    Adam,
    Constants,
    FixedR8,
    Fp16,
    Fp32,
    Ftrl,
    OneBit,
    RandomUniform,
    Segment,
    Sgd,
    TableConfig,
    Zeros,
)
from monolith.wire.embedding_hash_table_pb2 import EmbeddingHashTableConfig

PARTS = st.integers(1, 999).map(lambda n: n / 1000)
OPTIMIZERS = st.one_of(
    st.builds(Sgd, PARTS),
    st.builds(Adagrad, PARTS, PARTS, PARTS),
    st.builds(Adam, PARTS, PARTS, PARTS, PARTS, PARTS, st.booleans()),
    st.builds(Ftrl, PARTS, PARTS, PARTS, PARTS, PARTS),
)
INITIALIZERS = st.one_of(
    st.just(Zeros()), st.builds(Constants, PARTS), st.builds(RandomUniform, PARTS.map(lambda n: -n), PARTS)
)
COMPRESSORS = st.one_of(
    st.sampled_from([Fp32(), Fp16()]),
    st.builds(FixedR8, PARTS),
    st.builds(OneBit, st.integers(1, 500), PARTS, PARTS, PARTS),
)
SEGMENTS = st.builds(Segment, st.integers(1, 64), INITIALIZERS, OPTIMIZERS, COMPRESSORS)


@given(st.builds(TableConfig, st.lists(SEGMENTS, min_size=1, max_size=3), st.booleans()))
def test_definitions_survive(config: TableConfig) -> None:
    sent = to_message(config).SerializeToString()
    assert from_message("t", EmbeddingHashTableConfig.FromString(sent)) == config


def test_the_message_has_its_own_defaults() -> None:
    message = EmbeddingHashTableConfig()
    segment = message.entry_config.segments.add(dim_size=4)
    segment.opt_config.adam.SetInParent()
    segment.init_config.random_uniform.SetInParent()
    segment.comp_config.fp32.SetInParent()
    assert from_message("t", message) == TableConfig([Segment(4, RandomUniform(), Adam())])


def set_field(path: str, value: object) -> Callable[[EmbeddingHashTableConfig], None]:
    *parents, last = path.split(".")

    def change(message: EmbeddingHashTableConfig) -> None:
        at = message if parents[:1] == ["table"] else message.entry_config.segments[0]
        for name in parents[1:]:
            at = getattr(at, name)
        getattr(at, last).SetInParent() if value is None else setattr(at, last, value)

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            set_field("table.enable_feature_eviction", True),
            "EmbeddingHashTableConfig.enable_feature_eviction",
        ),
        (set_field("table.slot_expire_time_config.default_expire_time", 3), "slot_expire_time_config"),
        (set_field("segment.init_config.ones", None), "InitializerConfig.ones"),
        (set_field("segment.opt_config.momentum", None), "OptimizerConfig.momentum"),
        (set_field("segment.opt_config.stochastic_rounding_float16", True), "stochastic_rounding_float16"),
        (set_field("segment.opt_config.sgd.warmup_steps", 5), "SgdOptimizerConfig.warmup_steps"),
        (set_field("segment.dim_size", 0), "dim=0"),
    ],
)
def test_what_we_cannot_do_is_refused(change: Callable, named: str) -> None:
    message = to_message(TableConfig([Segment(4, Zeros(), Sgd())]))
    change(message)
    with pytest.raises(ConfigError, match=named):
        from_message("t", message)


def test_no_segments_is_refused() -> None:
    with pytest.raises(ConfigError, match="table t: its entry_config has no segments"):
        from_message("t", EmbeddingHashTableConfig())
