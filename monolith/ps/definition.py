"""A table's definition as the message that other programs know, EmbeddingHashTableConfig.

The message can say more than our tables can do. What it says beyond that is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias, TypeVar

import attrs
import numpy as np
from google.protobuf.message import Message

from monolith.core.errors import ConfigError
from monolith.table.config import (
    Adagrad,
    Adam,
    Compressor,
    Constants,
    FixedR8,
    Fp16,
    Fp32,
    Ftrl,
    Initializer,
    OneBit,
    Optimizer,
    RandomUniform,
    Segment,
    Sgd,
    TableConfig,
    Zeros,
)
from monolith.wire.compressor_pb2 import FloatCompressorConfig
from monolith.wire.embedding_hash_table_pb2 import EmbeddingHashTableConfig, EntryConfig
from monolith.wire.initializer_pb2 import InitializerConfig
from monolith.wire.optimizer_pb2 import OptimizerConfig

T = TypeVar("T", bound=attrs.AttrsInstance)
Part: TypeAlias = InitializerConfig | OptimizerConfig | FloatCompressorConfig  # of a segment
# Member of the message's oneof -> our class, whose fields have the names of the message's.
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": Sgd, "adagrad": Adagrad, "adam": Adam, "ftrl": Ftrl}
INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "constants": Constants,
    "random_uniform": RandomUniform,
}
COMPRESSORS: dict[str, type[Compressor]] = {
    "fp32": Fp32,
    "fp16": Fp16,
    "fixed_r8": FixedR8,
    "one_bit": OneBit,
}


def to_message(config: TableConfig) -> EmbeddingHashTableConfig:
    """`config` with every value spelled out, so that nobody's defaults matter."""
    message = EmbeddingHashTableConfig(skip_zero_embedding=config.skip_zero_embedding)
    message.cuckoo.SetInParent()
    for segment in config.segments:
        held = message.entry_config.segments.add(dim_size=segment.dim)
        _put(held.init_config, INITIALIZERS, segment.initializer)
        _put(held.opt_config, OPTIMIZERS, segment.optimizer)
        _put(held.comp_config, COMPRESSORS, segment.compressor)
    return message


def from_message(table: str, message: EmbeddingHashTableConfig) -> TableConfig:
    """The definition of `table` that `message` gives.

    Raises:
        ConfigError: it has no segments, or asks for something that our tables do not do.
    """
    _only(table, message, {"entry_config", "cuckoo", "initial_capacity", "entry_type", "skip_zero_embedding"})
    _only(table, message.entry_config, {"segments", "entry_type"})
    if not message.entry_config.segments:
        raise ConfigError([f"table {table}: its entry_config has no segments"])
    segments = [_segment(table, segment) for segment in message.entry_config.segments]
    return TableConfig(segments, message.skip_zero_embedding)


def _segment(table: str, message: EntryConfig.Segment) -> Segment:
    _only(table, message, {"dim_size", "init_config", "opt_config", "comp_config"})
    return Segment(
        message.dim_size,
        _taken(table, message.init_config, INITIALIZERS, Zeros()),
        _taken(table, message.opt_config, OPTIMIZERS, Sgd()),
        _taken(table, message.comp_config, COMPRESSORS, Fp32()),
    )


def _put(into: Part, kinds: Mapping[str, type[T]], value: attrs.AttrsInstance) -> None:
    member = next(name for name, kind in kinds.items() if kind is type(value))
    held = getattr(into, member)
    held.SetInParent()
    for field in attrs.fields(type(value)):
        setattr(held, field.name, getattr(value, field.name))


def _taken(table: str, message: Message, kinds: Mapping[str, type[T]], absent: T) -> T:
    member = message.WhichOneof("type")
    if member is None:
        _only(table, message, ())
        return absent
    _only(table, message, kinds)
    held = getattr(message, member)
    names = [field.name for field in attrs.fields(kinds[member])]
    _only(table, held, [*names, "dim_size"])
    return kinds[member](**{name: _shortest(getattr(held, name)) for name in names})


def _shortest(value: Any) -> Any:
    """A float32 field as it was written: 0.001, not 0.0010000000474974513, so that definitions compare."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _only(table: str, message: Message, known: Collection[str]) -> None:
    for field, value in message.ListFields():
        if field.name not in known and value != field.default_value:
            raise ConfigError([f"table {table}: {message.DESCRIPTOR.name}.{field.name} is not supported"])
