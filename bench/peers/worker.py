"""What the script of every contender does: fill itself with ids, then time what it is told to.

It runs in the contender's own environment, so it needs Python, numpy and nothing else. First it says what it
can do; then one job a line comes in as JSON, and one figure a line goes out.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

MOST_IDS = 1 << 17  # of a batch
LEARNING_RATE, START, EPSILON = 0.01, 0.1, 1e-8  # of everybody's Adagrad

Way = Callable[[Any], object]


class Contender:
    """Holds a row of `dim` floats for each of `fids`, and Adagrad's state.

    A contender that hashes is asked for ids, one that does not for row numbers: `fids[n]` is row n.
    """

    def __init__(self, fids: np.ndarray, dim: int) -> None:
        self.fids, self.dim = fids, dim
        self._outs: dict[str, np.ndarray] = {}

    def lookups(self) -> dict[str, Way]:
        return {}

    def updates(self) -> dict[str, Way]:
        return {}

    def query(self, numbers: np.ndarray) -> object:
        """A batch as the ways take it; making it is not timed."""
        return self.fids[numbers]

    @cached_property
    def _grads(self) -> np.ndarray:
        return np.full((MOST_IDS, self.dim), 0.01, np.float32)

    def grads(self, numbers: np.ndarray) -> np.ndarray:
        return self._grads[: len(numbers)]

    def new_out(self) -> np.ndarray:
        return np.zeros((MOST_IDS, self.dim), np.float32)

    def out(self) -> np.ndarray:
        """Where this thread may write what it reads, the same place each time."""
        name = threading.current_thread().name
        if name not in self._outs:
            self._outs[name] = self.new_out()
        return self._outs[name]

    def memory(self) -> int:
        """Bytes that it holds, other processes included."""
        return resident()

    def close(self) -> None:
        """Leave nothing running."""


def serve(kind: type[Contender]) -> None:
    """`script.py FIDS.npy DIM ANSWERS`: be filled, then time job after job until the standard input ends.

    ANSWERS is the number of an open pipe: libraries print to the standard output what they like.
    """
    answers = os.fdopen(int(sys.argv[3]), "w", buffering=1)
    before, began = resident(), time.perf_counter()
    fids, dim = np.load(sys.argv[1]), int(sys.argv[2])
    contender = kind(fids, dim)
    lookups, updates = contender.lookups(), contender.updates()
    about = {
        "lookups": list(lookups),
        "updates": list(updates),
        "fill_s": time.perf_counter() - began,
        "bytes_per_row": (contender.memory() - before - fids.nbytes) / len(fids),
    }
    print(json.dumps(about), file=answers)
    try:
        for line in sys.stdin:
            job = json.loads(line)
            ways = updates if job["way"] in updates else lookups
            queries = prepared(contender, job["batches"], once=ways is updates)
            print(json.dumps(turn(ways[job["way"]], queries, job["threads"], job["seconds"])), file=answers)
    finally:
        contender.close()


@lru_cache(maxsize=2)  # a file is asked for lookups and updates in turn, and then never again
def prepared(contender: Contender, batches: str, *, once: bool) -> list[tuple[int, object]]:
    """Sizes and queries of a file of batches of row numbers; with `once` no number comes twice in a batch."""
    numbers = [first_seen(batch) if once else batch for batch in np.load(batches)]
    return [(len(batch), contender.query(batch)) for batch in numbers]


def first_seen(numbers: np.ndarray) -> np.ndarray:
    """Each number once, in the order of its first occurrence: sorted rows would be quicker to reach."""
    return numbers[np.sort(np.unique(numbers, return_index=True)[1])]


def turn(way: Way, queries: list[tuple[int, object]], threads: int, seconds: float) -> float:
    """Nanoseconds per id in about so many seconds, after a while that only warms up, on other ids."""
    way(queries[-1][1])
    began, warm = time.perf_counter(), 0
    while warm < len(queries) // 2 and (warm == 0 or time.perf_counter() - began < seconds / 4):
        way(queries[-1 - warm][1])
        warm += 1
    hint = (time.perf_counter() - began) / warm
    count = min(max(int(seconds * threads / hint), 2 * threads), len(queries))
    count -= count % threads
    return took(way, queries[:count], threads) * 1e9 / sum(size for size, _ in queries[:count])


def took(way: Way, queries: list[tuple[int, object]], threads: int) -> float:
    """Seconds until as many Python threads have gone through all queries together."""
    gate = threading.Barrier(threads + 1)

    def work(share: list[tuple[int, object]]) -> None:
        gate.wait()
        for _, query in share:
            way(query)

    workers = [
        threading.Thread(target=work, args=(queries[n::threads],), name=f"{n}") for n in range(threads)
    ]
    for worker in workers:
        worker.start()
    gate.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def resident(process: int | str = "self") -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
