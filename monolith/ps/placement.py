"""Which server keeps a dense value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

Placement = Callable[[Collection[str], int], Mapping[str, int]]
_HASH_BITS = (1 << 64) - 1


def in_turn(names: Collection[str], num_ps: int) -> dict[str, int]:
    """One after the other in order of names: evenly, but only who names all of them together agrees."""
    return {name: place % num_ps for place, name in enumerate(sorted(names))}


def by_name(names: Collection[str], num_ps: int) -> dict[str, int]:
    """Each by its name alone: everyone agrees, whatever else there is, but it may be uneven."""
    return {name: ps_index(name, num_ps) for name in names}


def ps_index(name: str, num_ps: int) -> int:
    """The server of `name`: h = 31 h + byte over its UTF-8 bytes, in 64 bits, modulo `num_ps`; 0 of none."""
    hashed = 0
    for byte in name.encode():
        hashed = (hashed * 31 + byte) & _HASH_BITS
    return hashed % num_ps if num_ps else 0
