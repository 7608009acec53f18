"""Counts of fids that have no row yet, in two bytes a fid: in one table, or in several that age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monolith.core.arrays import Fids
from monolith.core.errors import ConfigError
from monolith.table.admission import cells
from monolith.table.admission.base import CountingFilter, State, must_hold
from monolith.table.admission.cells import COUNT_BITS, Counts
from monolith.table.compiling import given

Cells = NDArray[np.uint16] | NDArray[np.uint8]


class HashFilter(CountingFilter):
    """Counts to 15 for about `capacity` fids, and never forgets. Upstream's HashFilter.

    Args:
        capacity: fids that have a cell of their own, nearly always.
        cell_bits: 16, or 8: half the memory, and a shared cell for one fid in twenty.
        fill: cells a fid.
    """

    STEPS = 64

    def __init__(self, capacity: int, *, cell_bits: int = 16, fill: float = 1.5) -> None:
        super().__init__(capacity)
        dtype = {8: np.uint8, 16: np.uint16}[cell_bits]
        self._cells: Cells = np.zeros(int(capacity * fill) + self.STEPS, dtype)
        self._bits = cell_bits - COUNT_BITS
        self._elements = 0
        self._failures = 0

    @property
    def elements(self) -> int:
        return self._elements

    @property
    def failures(self) -> int:
        return self._failures

    @property
    def memory_bytes(self) -> int:
        return self._cells.nbytes

    def add(self, fids: Fids, counts: Counts) -> Counts:
        before = np.empty(len(fids), np.int64)
        taken, failures = cells.add(self._cells, given(fids), given(counts), self.STEPS, self._bits, before)
        self._elements += taken
        self._failures += failures
        return before

    def get(self, fids: Fids) -> Counts:
        counts = np.empty(len(fids), np.int64)
        cells.get(self._cells, given(fids), self.STEPS, self._bits, counts)
        return counts

    def state(self) -> State:
        return {"cells": self._cells.copy(), "meta": np.array([self._elements, self._failures])}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        must_hold(state, "cells", "meta")
        _must_fit(self._cells, state["cells"])
        self._cells[:] = state["cells"]
        self._elements, self._failures = map(int, state["meta"])

    def join(self, states: Sequence[Mapping[str, NDArray[np.generic]]]) -> None:
        """Go on where all of `states` were taken, as far as there is room.

        Raises:
            ConfigError: one is of another filter.
        """
        first, *others = states
        self.restore(first)
        for state in others:
            must_hold(state, "cells", "meta")
            _must_fit(self._cells, state["cells"])
            room = self.capacity - self._elements
            self._elements += cells.absorb(self._cells, state["cells"], self.STEPS, room)
            self._failures += int(state["meta"][1])


class SlidingHashFilter(CountingFilter):
    """Counts to 15 for the last `capacity` fids or so: who is not seen for long is forgotten.

    Upstream's SlidingHashFilter, with its constants; its signatures are as `cells.signature` says. The fids
    stand in `split_num` splits of which the newest fills; a fid seen again takes its count along into the
    newest, or the next where that has no cell for it.

    Args:
        capacity: fids remembered; at least 300.
        split_num: splits; at least 5 are made.
    """

    STEPS, FILL, BITS = 16, 1.2, 16 - COUNT_BITS
    LEAST_CAPACITY, LEAST_SPLITS = 300, 5

    def __init__(self, capacity: int = 300_000_000, split_num: int = 7) -> None:
        super().__init__(capacity)
        number = max(split_num, self.LEAST_SPLITS)
        self._room = max(capacity, self.LEAST_CAPACITY) // (number - 1)
        # Pages that no fid has touched cost nothing.
        self._splits = np.zeros((number, int(self._room * self.FILL) + self.STEPS), np.uint16)
        self._elements = np.zeros(number, np.int64)
        self._head = 0
        self._moves = 0
        self._failures = 0

    @property
    def elements(self) -> int:
        """Cells taken: a fid that was carried along counts once for each split that still has it."""
        return int(self._elements.sum())

    @property
    def elements_by_split(self) -> list[int]:
        return self._elements.tolist()

    @property
    def head(self) -> int:
        """The split that fills."""
        return self._head

    @property
    def moves(self) -> int:
        """How often another split became the one that fills."""
        return self._moves

    @property
    def failures(self) -> int:
        return self._failures

    @property
    def memory_bytes(self) -> int:
        """Of address space; untouched pages take none."""
        return self._splits.nbytes

    def add(self, fids: Fids, counts: Counts) -> Counts:
        before = np.empty(len(fids), np.int64)
        shape = (self._head, self._room, self.STEPS, self.BITS)
        head, moves, failures = cells.slide(
            self._splits, self._elements, given(fids), given(counts), shape, before
        )
        self._head = head
        self._moves += moves
        self._failures += failures
        return before

    def get(self, fids: Fids) -> Counts:
        counts = np.empty(len(fids), np.int64)
        cells.newest(self._splits, self._head, given(fids), self.STEPS, self.BITS, counts)
        return counts

    def state(self) -> State:
        """One array a split, and `meta`."""
        parts: State = {f"split-{i}": split.copy() for i, split in enumerate(self._splits)}
        return parts | {"meta": np.array([self._head, self._moves, self._failures, *self._elements])}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        self._must_be_like_this(state)
        for i, split in enumerate(self._splits):
            split[:] = state[f"split-{i}"]
        self._head, self._moves, self._failures, *elements = map(int, state["meta"])
        self._elements[:] = elements

    def join(self, states: Sequence[Mapping[str, NDArray[np.generic]]]) -> None:
        """Go on where all of `states` were taken, with the newest splits for which there is room.

        Raises:
            ConfigError: one is of another filter.
        """
        for state in states:
            self._must_be_like_this(state)
        if len(states) == 1:
            self.restore(states[0])
            return
        self._splits[:], self._elements[:], self._head = 0, 0, 0
        self._moves = sum(int(state["meta"][1]) for state in states)
        self._failures = sum(int(state["meta"][2]) for state in states)
        target = 0
        number = len(self._splits)
        for state in states:  # who found no cell in the newest split stands in the next
            after = (int(state["meta"][0]) + 1) % number
            room = self._room - int(self._elements[1])
            self._elements[1] += cells.absorb(self._splits[1], state[f"split-{after}"], self.STEPS, room)
        for age in range(number - 1):
            for state in states:
                source = (int(state["meta"][0]) - age) % number
                target = self._absorb(
                    state[f"split-{source}"], int(state["meta"][3 + source]), max(target, age)
                )

    def _absorb(self, split: NDArray[np.generic], elements: int, target: int) -> int:
        """Put a split whole into the `target`-th newest, or an older one with room, if any; which one."""
        oldest = len(self._splits) - 2
        while target <= oldest and self._elements[-target] + elements >= self._room:
            target += 1
        if target <= oldest:
            self._elements[-target] += cells.absorb(self._splits[-target], split, self.STEPS, elements)
        return target

    def _must_be_like_this(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        if sum(name.startswith("split-") for name in state) != len(self._splits):
            raise ConfigError(
                [f"the filter has {len(self._splits)} splits, what is restored {len(state) - 1}"]
            )
        must_hold(state, "meta")
        for i, split in enumerate(self._splits):
            _must_fit(split, state[f"split-{i}"])


def _must_fit(there: NDArray[np.generic], coming: NDArray[np.generic]) -> None:
    if (there.shape, there.dtype) != (coming.shape, coming.dtype):
        here, asked = (f"{a.dtype} x {a.shape[0]}" for a in (there, coming))
        raise ConfigError([f"the filter has cells of {here}, what is restored {asked}"])
