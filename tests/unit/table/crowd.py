"""What tests of many threads share: rows whose age shows whether they are whole, and threads at work.

All columns of a row start alike and get the same gradient, so a row is `k` whole steps old or it is torn.
Fids of different classes get different gradients, so that a row of somebody else shows, too.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from monolith.table.table import Table
from tests.unit.table import reference

CLASSES = 4


def grads_of(fids: np.ndarray, dim: int) -> np.ndarray:
    """(n, dim); eighths, which add up without rounding."""
    return np.repeat((1 + fids % CLASSES) / 8, dim).reshape(-1, dim)


class Ages:
    """How rows look after `k` steps, by class: what `reference` says, (CLASSES, steps + 1, w and state)."""

    def __init__(self, table: Table, steps: int) -> None:
        optimizer = table.config.segments[0].optimizer
        state = getattr(optimizer, "initial_accumulator_value", None)
        rate: float = getattr(optimizer, "learning_rate")  # noqa: B009 - not all optimizers have one
        self._dim = table.dim
        self._rows = np.empty((CLASSES, steps + 1, 1 if state is None else 2))
        for fid in range(CLASSES):
            row = np.ones(1), np.array([] if state is None else [state])
            for k in range(steps + 1):
                self._rows[fid, k] = np.concatenate(row)
                row = reference.step(optimizer, *row, grads_of(np.array([fid]), 1)[0], rate)

    def of(self, fids: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How many steps old each row (n, dim or more) is; it must be that in each of its columns."""
        ages = np.empty(len(fids), int)
        for c in range(CLASSES):
            mine = np.flatnonzero(fids % CLASSES == c)
            ages[mine] = self._nearest(c, rows[mine, 0])
            known = self._rows[c, ages[mine]]
            expected = np.repeat(known, self._dim, axis=1)[:, : rows.shape[1]]
            step = np.abs(np.diff(self._rows[c, :, 0])).min()
            torn = np.abs(rows[mine] - expected).max(axis=1, initial=0) > step / 4
            assert not torn.any(), f"of several ages: {rows[mine][torn][0, ::7].tolist()}"
        return ages

    def _nearest(self, c: int, weights: np.ndarray) -> np.ndarray:
        falling = self._rows[c, :, 0]
        between = (falling[1:] + falling[:-1]) / 2
        return np.searchsorted(-between, -weights)


class Follower:
    """A copy of the values, which does what the table's journal tells it."""

    def __init__(self, table: Table) -> None:
        self._table, self._reader = table, table.journal().reader()
        self._rows: dict[int, np.ndarray] = {}

    def follow(self) -> None:
        fids, position = self._reader.ahead()
        if fids is None:
            self._reader.begin()
            self._rows = {}
            self._take([piece.fids for piece in self._table.pieces()])
        else:
            self._take(fids)
            self._reader.reached(position)

    def _take(self, chunks: list[np.ndarray]) -> None:
        for fids in chunks:
            rows, found = self._table.peek(fids)
            for fid in fids[~found].tolist():
                self._rows.pop(fid, None)
            self._rows |= dict(zip(fids[found].tolist(), rows[found], strict=True))

    def knows_all(self) -> None:
        """Once nobody changes anything: but for rows that only a lookup created, which have not changed."""
        self.follow()
        there = self._table.export()
        held = dict(zip(there.fids.tolist(), there.values, strict=True))
        assert self._rows.keys() <= held.keys()
        assert all((row == held[fid]).all() for fid, row in self._rows.items())
        assert all((held[fid] == 1).all() for fid in held.keys() - self._rows.keys())


@contextmanager
def hasty() -> Iterator[None]:
    """Threads take turns a hundred times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def times(count: int, work: Callable[[], object]) -> Callable[[], None]:
    """`work`, so many times."""

    def done() -> None:
        for _ in range(count):
            work()

    return done


def side_by_side(
    works: Sequence[Callable[[], object]], look: Callable[[], object], within_s: float = 120
) -> None:
    """Do all `works`, each in a thread, and `look` over and over until all are done, or one has failed.

    Threads that are not done in time are left to themselves, so the test fails and does not hang.
    """
    failed: list[BaseException] = []
    over = threading.Event()

    def watched(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    def look_on() -> None:
        while not over.is_set() and not failed:
            look()

    threads = [threading.Thread(target=watched, args=(work,), daemon=True) for work in (*works, look_on)]
    until = time.monotonic() + within_s
    for thread in threads:
        thread.start()
    for thread in threads[:-1]:
        thread.join(max(until - time.monotonic(), 0))
    over.set()
    threads[-1].join(max(until - time.monotonic(), 1))
    if failed:
        raise failed[0]
    assert not any(thread.is_alive() for thread in threads), f"not done in {within_s} s"
