"""What a fill costs: bytes a row, and how long another call waits while the table grows.

    python bench/growth.py [--rows 20000000]

One thread inserts batch after batch. Another looks up a few rows every fifth of a millisecond, and the
longest of these calls is the pause; the median of several fills is judged, as the longest of 50,000 calls
also holds the worst that the machine did meanwhile. How much that is say the most that this process was at
work during a call, which is all that a call waits for on a machine of its own, how long calls take beside a
thread that only looks up, and how long the host kept processors to itself.
Writes bench-results/growth.json.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from harness import loads
from harness.figures import Record
from harness.limits import Verdict, conclude, verdict

from monolith.table.config import Adagrad, Segment, TableConfig
from monolith.table.table import Table

BATCH, PROBE, EVERY_S = 16_384, 64, 0.0002
DIMS = (16, 64)
FILLS = 5  # of each dim
PAUSE_MS = 10
INDEX_BYTES = 64  # what a row may cost beyond its values and Adagrad's


class Waits(NamedTuple):
    """Seconds of the longest call, and the most that this process was at work during one."""

    call: float = 0.0
    work: float = 0.0


def measure(rows: int, dim: int) -> dict[str, float]:
    """Fill a table, in this process."""
    ids = loads.fids(rows)
    Table(_config(dim)).find_or_insert(ids[:BATCH])  # compiles
    before, table = _resident(), Table(_config(dim))
    table.find_or_insert(ids[:BATCH])
    began, stolen = time.perf_counter(), _stolen_ms()
    grown = longest_call(table, ids[:PROBE], table.find_or_insert, ids)
    filled_s, stolen = time.perf_counter() - began, _stolen_ms() - stolen
    resident = _resident() - before
    still = longest_call(table, ids[:PROBE], table.find, ids)
    return {
        "rows": len(table),
        "dim": dim,
        "insert_ns": filled_s * 1e9 / rows,
        "bytes_per_row": table.memory_bytes / rows,
        "resident_per_row": resident / rows,
        "pause_ms": grown.call * 1e3,
        "work_during_a_call_ms": grown.work * 1e3,
        "pause_without_growth_ms": still.call * 1e3,
        "stolen_ms": stolen,
    }


def _stolen_ms() -> float:
    """Milliseconds of processors that were wanted here and that the host gave to others, since it started."""
    ticks = Path("/proc/stat").read_text().split(maxsplit=9)[8]
    return int(ticks) * 1e3 / os.sysconf("SC_CLK_TCK")


def longest_call(
    table: Table, known: np.ndarray, work: Callable[[np.ndarray], object], ids: np.ndarray
) -> Waits:
    """Of the lookups of `known` that are made while `work` goes through `ids`."""
    done, longest = threading.Event(), Waits()

    def probe() -> None:
        nonlocal longest
        while not done.wait(EVERY_S):
            began, worked = time.perf_counter(), time.process_time()
            table.find(known)
            call, busy = time.perf_counter() - began, time.process_time() - worked
            longest = Waits(max(longest.call, call), max(longest.work, min(call, busy)))

    prober = threading.Thread(target=probe)
    prober.start()
    for at in range(0, len(ids), BATCH):
        work(ids[at : at + BATCH])
    done.set()
    prober.join()
    return longest


def _config(dim: int) -> TableConfig:
    return TableConfig((Segment(dim, optimizer=Adagrad()),))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def judged(dim: int, fills: list[dict[str, float]]) -> list[Verdict]:
    most = 4 * dim * 2 + INDEX_BYTES
    median = {name: statistics.median(one[name] for one in fills) for name in fills[0]}
    return [
        verdict(f"bytes a row, dim {dim} with Adagrad", median["bytes_per_row"], at_most=most),
        verdict(f"bytes a row that the process holds, dim {dim}", median["resident_per_row"], at_most=most),
        verdict(f"longest wait of another call during a fill, ms, dim {dim}", median["pause_ms"], PAUSE_MS),
        verdict(f"most work during such a call, ms, dim {dim}", median["work_during_a_call_ms"], PAUSE_MS),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--quick", action="store_true", help="a million rows")
    asked = parser.parse_args()
    rows, record = 1_000_000 if asked.quick else asked.rows, Record("growth")
    fresh, verdicts = multiprocessing.get_context("spawn"), []
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as pool:  # memory is a fill's own
        for dim in DIMS:
            fills = []
            for one in pool.map(measure, [rows] * FILLS, [dim] * FILLS):
                print(*(f"{name} {value:.1f}" for name, value in one.items()), sep=", ", flush=True)
                fills.append(one)
            record.more[f"dim {dim}"] = fills
            verdicts += judged(dim, fills)
    conclude(record, verdicts)


if __name__ == "__main__":
    main()
