"""A table's definition as the message that other programs know, EmbeddingHashTableConfig.

The message can say more than our tables can do. What it says beyond that is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias, get_args

import attrs
import numpy as np
from google.protobuf.message import Message

from monolith.core.errors import ConfigError
from monolith.ps.retention_message import FIELDS, put, put_retention, retention_of
from monolith.table.config import (
    Compressor,
    Dc,
    Fp32,
    Initializer,
    Optimizer,
    Segment,
    Sgd,
    StochasticRoundingFloat16,
    TableConfig,
    Zeros,
)
from monolith.wire.compressor_pb2 import FloatCompressorConfig
from monolith.wire.embedding_hash_table_pb2 import EmbeddingHashTableConfig, EntryConfig
from monolith.wire.initializer_pb2 import InitializerConfig
from monolith.wire.optimizer_pb2 import OptimizerConfig

Part: TypeAlias = InitializerConfig | OptimizerConfig | FloatCompressorConfig  # of a segment
Kinds: TypeAlias = Mapping[
    str, type[Any]
]  # member of a oneof -> our class, whose fields have its fields' names
_PARTS = ("entry_config", "cuckoo", "initial_capacity", "entry_type", "skip_zero_embedding")
_WRAPPED = "stochastic_rounding_float16"  # of OptimizerConfig, beside its oneof


def _kinds(message: type[Message], classes: Iterable[type[Any]]) -> Kinds:
    """Our class for each member: it is called like the member's message without `...Config`."""
    by_name = {one.__name__: one for one in classes}
    members: Iterable[Any] = message.DESCRIPTOR.oneofs_by_name["type"].fields
    return {m.name: by_name[m.message_type.name.removesuffix(message.__name__)] for m in members}


OPTIMIZERS = _kinds(OptimizerConfig, get_args(Optimizer))
INITIALIZERS = _kinds(InitializerConfig, get_args(Initializer))
COMPRESSORS = _kinds(FloatCompressorConfig, get_args(Compressor))


def to_message(config: TableConfig) -> EmbeddingHashTableConfig:
    """`config` with every value spelled out, so that nobody's defaults matter.

    Raises:
        ConfigError: the message has no room for a number.
    """
    message = EmbeddingHashTableConfig(skip_zero_embedding=config.skip_zero_embedding)
    message.cuckoo.SetInParent()
    for segment in config.segments:
        held = message.entry_config.segments.add()
        put(held, "dim_size", segment.dim)
        _put(held.init_config, INITIALIZERS, segment.initializer)
        _put_optimizer(held.opt_config, segment.optimizer)
        _put(held.comp_config, COMPRESSORS, segment.compressor)
    put_retention(config, message)
    return message


def from_message(table: str, message: EmbeddingHashTableConfig) -> TableConfig:
    """The definition of `table` that `message` gives.

    Raises:
        ConfigError: it is another message, has no segments, or asks for something that our tables do not do.
    """
    if not isinstance(message, EmbeddingHashTableConfig):
        raise ConfigError([f"table {table}: {type(message).__name__}: must be an EmbeddingHashTableConfig"])
    _only(table, message, {*_PARTS, *FIELDS})
    _only(table, message.entry_config, {"segments", "entry_type"})
    if not message.entry_config.segments:
        raise ConfigError([f"table {table}: its entry_config has no segments"])
    segments = [_segment(table, segment) for segment in message.entry_config.segments]
    return TableConfig(segments, message.skip_zero_embedding, **retention_of(message))


def definition_of(given: object) -> TableConfig:
    """`given`, or what it says if it is a message.

    Raises:
        ConfigError: it is neither, or the message is one that `from_message` refuses.
    """
    if isinstance(given, EmbeddingHashTableConfig):
        return from_message("table_config", given)
    if not isinstance(given, TableConfig):
        raise ConfigError([f"table_config={given!r}: must be a TableConfig() or an EmbeddingHashTableConfig"])
    return given


def _segment(table: str, message: EntryConfig.Segment) -> Segment:
    _only(table, message, {"dim_size", "init_config", "opt_config", "comp_config"})
    return Segment(
        message.dim_size,
        _taken(table, message.init_config, INITIALIZERS, Zeros()),
        _optimizer(table, message.opt_config),
        _taken(table, message.comp_config, COMPRESSORS, Fp32()),
    )


def _optimizer(table: str, message: OptimizerConfig) -> Optimizer:
    taken = _taken(table, message, OPTIMIZERS, Sgd(), beside=_WRAPPED)
    if isinstance(taken, Dc) and not message.dc.HasField("optimizer"):
        raise ConfigError(
            [f"table {table}: DcOptimizerConfig.optimizer is missing: dc wraps another optimizer"]
        )
    return StochasticRoundingFloat16(taken) if message.stochastic_rounding_float16 else taken


def _put_optimizer(into: OptimizerConfig, optimizer: Optimizer) -> None:
    if isinstance(optimizer, StochasticRoundingFloat16):
        into.stochastic_rounding_float16 = True
        optimizer = optimizer.optimizer
    _put(into, OPTIMIZERS, optimizer)


def _put(into: Part, kinds: Kinds, value: attrs.AttrsInstance) -> None:
    member = next(name for name, kind in kinds.items() if kind is type(value))
    held = getattr(into, member)
    held.SetInParent()
    for field in attrs.fields(type(value)):
        one = getattr(value, field.name)
        if attrs.has(type(one)):
            _put_optimizer(getattr(held, field.name), one)
        else:
            put(held, field.name, one)


def _taken(table: str, message: Message, kinds: Kinds, absent: Any, beside: str = "") -> Any:
    member = message.WhichOneof("type")
    if member is None:
        _only(table, message, {beside})
        return absent
    _only(table, message, {*kinds, beside})
    held = getattr(message, member)
    names = [field.name for field in attrs.fields(kinds[member])]
    _only(table, held, [*names, "dim_size"])
    return kinds[member](**{name: _value(table, getattr(held, name)) for name in names})


def _value(table: str, value: Any) -> Any:
    return _optimizer(table, value) if isinstance(value, OptimizerConfig) else _shortest(value)


def _shortest(value: Any) -> Any:
    """A float32 field as it was written: 0.001, not 0.0010000000474974513, so that definitions compare."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _only(table: str, message: Message, known: Collection[str]) -> None:
    for field, value in message.ListFields():
        if field.name not in known and value != field.default_value:
            raise ConfigError([f"table {table}: {message.DESCRIPTOR.name}.{field.name} is not supported"])
