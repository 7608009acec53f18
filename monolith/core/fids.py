"""Feature ids: a slot and a value in one int64.

The layout ("v2") is one reserved bit 0, 15 bits of slot, 48 bits of value; so a fid is never negative and
the ids of one slot are neighbours. The older "v1" (10 bits of slot, 54 of value) can be read and converted.
"""

from __future__ import annotations

from typing import Any

VALUE_BITS = 48
VALUE_MASK = (1 << VALUE_BITS) - 1
MAX_SLOT = (1 << 15) - 1
V1_VALUE_BITS = 54
V1_VALUE_MASK = (1 << V1_VALUE_BITS) - 1
V1_MAX_SLOT = (1 << 10) - 1


def make_fid(slot: int, value: Any) -> Any:
    """The fid of `value` (an int, or an array of them) in `slot`; bits of the value above 48 are dropped.

    >>> fid = make_fid(3, 185)
    >>> hex(fid), slot_of(fid), value_of(fid)
    ('0x30000000000b9', 3, 185)

    Raises:
        ValueError: `slot` is not in 0..32767.
    """
    return slot_base(slot) | (value & VALUE_MASK)


def slot_base(slot: int) -> int:
    """The fid of value 0 in `slot`: what the slot adds to each of its values."""
    if not 0 <= slot <= MAX_SLOT:
        raise ValueError(f"slot {slot} is not in 0..{MAX_SLOT}")
    return slot << VALUE_BITS


def slot_of(fids: Any) -> Any:
    """The slot of a fid, or of each in an array."""
    return fids >> VALUE_BITS & MAX_SLOT


def value_of(fids: Any) -> Any:
    """The 48-bit value of a fid, or of each in an array."""
    return fids & VALUE_MASK


def make_fid_v1(slot: int, value: int) -> int:
    """The old fid, as the unsigned 64-bit number it is on the wire.

    Raises:
        ValueError: `slot` is not in 0..1023.
    """
    if not 0 <= slot <= V1_MAX_SLOT:
        raise ValueError(f"v1 slot {slot} is not in 0..{V1_MAX_SLOT}")
    return slot << V1_VALUE_BITS | value & V1_VALUE_MASK


def slot_of_v1(fids: Any) -> Any:
    """The slot of an old fid (int64 or unsigned), or of each in an array."""
    return fids >> V1_VALUE_BITS & V1_MAX_SLOT


def v1_to_v2(fids: Any) -> Any:
    """Old fids in the present layout: the slot is kept, and the low 48 bits of the value."""
    return slot_of_v1(fids) << VALUE_BITS | fids & VALUE_MASK
