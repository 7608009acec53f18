"""Advertised indices → addresses in shard order, or the reason why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from monolith.discovery.base import ServiceInfo


class Disorder(StrEnum):
    """Why the indices that are advertised do not make an order."""

    INVALID_INDEX = "InvalidIndexMetadata"  # one is not a number from 0
    MIXED_PRESENCE = "MixedIndexMetadataPresence"  # some have an index, some have none
    CONFLICTING_DUPLICATE = "ConflictingDuplicateIndex"  # one index, two addresses
    GAP = "MissingOrGappedIndexSet"  # one of 0..N-1 is not there


def shard_addresses(services: Sequence[ServiceInfo], count: int) -> list[str] | Disorder:
    """The addresses of shards 0..count-1; indices from `count` up are ignored.

    Where no service has an index, all their addresses, sorted: there may be fewer or more than `count`.
    """
    indices = [s.index for s in services]
    if all(index is None for index in indices):
        return sorted({s.address for s in services})
    if any(index is not None and index < 0 for index in indices):
        return Disorder.INVALID_INDEX
    if None in indices:
        return Disorder.MIXED_PRESENCE
    return _by_index(_addresses_of(services), count)


def _by_index(addresses: Mapping[int, set[str]], count: int) -> list[str] | Disorder:
    if any(len(several) > 1 for several in addresses.values()):
        return Disorder.CONFLICTING_DUPLICATE
    if any(index not in addresses for index in range(count)):
        return Disorder.GAP
    return [next(iter(addresses[index])) for index in range(count)]


def _addresses_of(services: Iterable[ServiceInfo]) -> dict[int, set[str]]:
    addresses: dict[int, set[str]] = {}
    for service in services:
        assert service.index is not None
        addresses.setdefault(service.index, set()).add(service.address)
    return addresses
