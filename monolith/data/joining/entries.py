"""What is known of each key that is remembered."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import NamedTuple, Protocol


class State(IntEnum):
    """What became of a key; the numbers are on disk."""

    EARLY = 0  # its actions came before its impression
    WAITING = 1  # its impression came, and no action of its window
    POSITIVE = 2  # label 1 was given
    NEGATIVE = 3  # its window has passed: label 0 was given, or left out


class Entry(NamedTuple):
    """What is known of one key. Times are event times in milliseconds."""

    state: State
    due: int  # when something happens to it by itself
    time: int  # of the impression; of the latest action where there is none
    value: bytes = b""  # of the impression, as long as it may still be given
    actions: tuple[int, ...] = ()  # when they happened, without repeats, until their impression comes


class Entries(Protocol):
    """Entries by key."""

    def load(self, keys: Collection[bytes]) -> None:
        """Bring the entries of `keys` to where `get` finds them, until the next `commit` of their store."""

    def get(self, key: bytes) -> Entry | None:
        """The entry of a key that was loaded or put."""

    def put(self, key: bytes, entry: Entry) -> None: ...

    def remove(self, key: bytes) -> None:
        """Forget a key that `get` finds."""

    def due(self, until: int, most: int) -> tuple[list[tuple[bytes, Entry]], bool]:
        """About `most` entries that are due at `until`, the first due first; and whether these are all.

        An entry that was given is not given again before it is put.
        """

    def __len__(self) -> int: ...
