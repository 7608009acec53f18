"""Table definitions survive the wire; what our tables cannot do is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from monolith.core.errors import ConfigError
from monolith.ps.definition import OPTIMIZERS, from_message, to_message
from monolith.table.config import (
    Adagrad,
    DynamicWdAdagrad,
    FilterConfig,
    Ftrl,
    GroupFtrl,
    OneBit,
    RandomUniform,
    Segment,
    Sgd,
    TableConfig,
    Zeros,
)
from monolith.wire.embedding_hash_table_pb2 import (
    EmbeddingHashTableConfig,
    EntryConfig,
    MultiEmbeddingHashTableConfig,
)
from tests.unit.table.strategies import tables


@given(tables)
def test_definitions_survive(config: TableConfig) -> None:
    sent = to_message(config).SerializeToString()
    assert from_message("t", EmbeddingHashTableConfig.FromString(sent)) == config


UNSET = {"decouple_weight_decay": False, "enable_dynamic_wd": False, "flip_direction": False}
OWN_DEFAULTS = {
    "adagrad": Adagrad(0.001, 0.1),
    "ftrl": Ftrl(0.01, 0.1, 0.0),
    "group_ftrl": GroupFtrl(0.01, 0.0, 1.0),
    "dynamic_wd_adagrad": DynamicWdAdagrad(0.001, 0.1, **UNSET),
}


def test_the_messages_amplitude() -> None:
    message = EmbeddingHashTableConfig()
    message.entry_config.segments.add(dim_size=1).comp_config.one_bit.SetInParent()
    assert from_message("t", message).segments[0].compressor == OneBit(amplitude=0.1)
    assert OneBit().amplitude == 0.05  # of upstream's builder


@pytest.mark.parametrize("member", sorted(OPTIMIZERS.keys() - {"dc"}))
def test_the_message_has_its_own_defaults(member: str) -> None:
    """Those of upstream's builders, which are ours, differ in what `UNSET` names."""
    message = EmbeddingHashTableConfig()
    segment = message.entry_config.segments.add(dim_size=1)
    getattr(segment.opt_config, member).SetInParent()
    segment.init_config.random_uniform.SetInParent()
    segment.comp_config.fp32.SetInParent()
    expected = OWN_DEFAULTS.get(member) or OPTIMIZERS[member]()
    assert from_message("t", message) == TableConfig([Segment(1, RandomUniform(), expected)])


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
        (set_field("table.feature_evict_every_n_hours", 0), "feature_evict_every_n_hours=0: must be > 0"),
        (
            set_field("table.filter_config.filter_type", "sieve"),
            "filter_type='sieve': must be one of: no_fil",
        ),
        (
            set_field("table.slot_occurrence_threshold_config.default_occurrence_threshold", 16),
            "threshold 16: must be <= 15",
        ),
        (set_field("segment.opt_config.batch_softmax", None), "dim=4: must be 1 for BatchSoftmax"),
        (set_field("segment.opt_config.dc.lambda_", 0.5), "DcOptimizerConfig.optimizer is missing"),
        (set_field("segment.opt_config.sgd.warmup_steps", -5), "Sgd warmup_steps=-5"),
        (set_field("segment.dim_size", 0), "dim=0"),
    ],
)
def test_what_we_cannot_do_is_refused(change: Callable, named: str) -> None:
    message = to_message(TableConfig([Segment(4, Zeros(), Sgd())]))
    change(message)
    with pytest.raises(ConfigError, match=named):
        from_message("t", message)


TOO_LARGE = {
    "Segment.dim_size": TableConfig([Segment(2**31)]),
    "AdagradOptimizerConfig.hessian_compression_times": TableConfig(
        [Segment(1, optimizer=Adagrad(hessian_compression_times=2**31))]
    ),
    "FilterConfig.filter_split_num": TableConfig(
        [Segment(1)], filter_config=FilterConfig(filter_split_num=2**32)
    ),
    "EmbeddingHashTableConfig.feature_evict_every_n_hours": TableConfig(
        [Segment(1)], feature_evict_every_n_hours=2**31
    ),
}


@pytest.mark.parametrize("field", TOO_LARGE)
def test_numbers_that_the_message_has_no_room_for_are_refused(field: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{field}=\d+: must be a number that the message has room for"):
        to_message(TOO_LARGE[field])


@pytest.mark.parametrize("other", [MultiEmbeddingHashTableConfig(), EntryConfig(), None, {}])
def test_other_messages_are_refused(other: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^table t: {type(other).__name__}: must be an EmbeddingHash"):
        from_message("t", other)


def test_no_segments_is_refused() -> None:
    with pytest.raises(ConfigError, match="table t: its entry_config has no segments"):
        from_message("t", EmbeddingHashTableConfig())
