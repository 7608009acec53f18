"""The part of a table's definition that says who gets a row and who loses it, in its message."""

from __future__ import annotations

from typing import Any

import attrs
from google.protobuf.message import Message

from monolith.core.errors import ConfigError
from monolith.table.config import (
    FilterConfig,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    TableConfig,
)
from monolith.wire.embedding_hash_table_pb2 import EmbeddingHashTableConfig

_PLAIN = ("enable_feature_eviction", "feature_evict_every_n_hours", "max_rows", "memory_budget_bytes")
FIELDS = (*_PLAIN, "slot_expire_time_config", "slot_occurrence_threshold_config", "filter_config")


def put(message: Message, name: str, value: Any) -> None:
    """Set a field.

    Raises:
        ConfigError: it has no room for the value.
    """
    try:
        setattr(message, name, value)
    except ValueError:
        said = f"{message.DESCRIPTOR.name}.{name}={value}: must be a number that the message has room for"
        raise ConfigError([said]) from None


def put_retention(config: TableConfig, message: EmbeddingHashTableConfig) -> None:
    """Spell all of it out."""
    for name in _PLAIN:
        put(message, name, getattr(config, name))
    for field in attrs.fields(FilterConfig):
        put(message.filter_config, field.name, getattr(config.filter_config, field.name))
    expiry, times = message.slot_expire_time_config, config.slot_expire_time_config
    expiry.default_expire_time = times.default_expire_time
    for slot, days in times.slot_expire_times:
        expiry.slot_expire_times.add(slot=slot, expire_time=days)
    entrance, thresholds = message.slot_occurrence_threshold_config, config.slot_occurrence_threshold_config
    entrance.default_occurrence_threshold = thresholds.default_occurrence_threshold
    for slot, threshold in thresholds.slot_occurrence_thresholds:
        entrance.slot_occurrence_thresholds.add(slot=slot, occurrence_threshold=threshold)


def retention_of(message: EmbeddingHashTableConfig) -> dict[str, Any]:
    """Arguments for TableConfig.

    Raises:
        ConfigError: a value that cannot be.
    """
    expiry, entrance = message.slot_expire_time_config, message.slot_occurrence_threshold_config
    filters = {f.name: getattr(message.filter_config, f.name) for f in attrs.fields(FilterConfig)}
    return {
        **{name: getattr(message, name) for name in _PLAIN},
        "filter_config": FilterConfig(**filters),
        "slot_expire_time_config": SlotExpireTimeConfig(
            [(each.slot, each.expire_time) for each in expiry.slot_expire_times], expiry.default_expire_time
        ),
        "slot_occurrence_threshold_config": SlotOccurrenceThresholdConfig(
            [(each.slot, each.occurrence_threshold) for each in entrance.slot_occurrence_thresholds],
            entrance.default_occurrence_threshold,
        ),
    }
