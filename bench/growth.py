"""What a fill costs: bytes a row, and how long another call waits while the table grows.

    python bench/growth.py [--rows 20000000]

One thread inserts batch after batch. Another looks up a few rows every fifth of a millisecond. All fills of a
dim insert the same ids, so that the table grows in the same batches, while the machine interrupts now here
and now there: the pause that is judged is the longest of the batches' medians, each of all fills' longest
calls in that batch. The longest call of a fill holds the worst that the machine did meanwhile, too: told
beside it are how long calls take beside a thread that only looks up, and how long the host kept processors
to itself.
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


class Fill(NamedTuple):
    """What one fill was like, and the longest call in each of its batches, ms."""

    figures: dict[str, float]
    longest: np.ndarray


def measure(rows: int, dim: int) -> Fill:
    """Fill a table, in this process."""
    ids = loads.fids(rows)
    Table(_config(dim)).find_or_insert(ids[:BATCH])  # compiles
    before, table = _resident(), Table(_config(dim))
    table.find_or_insert(ids[:BATCH])
    began, stolen = time.perf_counter(), _stolen_ms()
    grown = longest_calls(table, ids[:PROBE], table.find_or_insert, ids)
    filled_s, stolen = time.perf_counter() - began, _stolen_ms() - stolen
    resident = _resident() - before
    still = longest_calls(table, ids[:PROBE], table.find, ids)
    figures = {
        "rows": len(table),
        "dim": dim,
        "insert_ns": filled_s * 1e9 / rows,
        "bytes_per_row": table.memory_bytes / rows,
        "resident_per_row": resident / rows,
        "longest_call_ms": float(grown.max()),
        "longest_call_without_growth_ms": float(still.max()),
        "stolen_ms": stolen,
    }
    return Fill(figures, grown)


def _stolen_ms() -> float:
    """Milliseconds of processors that were wanted here and that the host gave to others, since it started."""
    ticks = Path("/proc/stat").read_text().split(maxsplit=9)[8]
    return int(ticks) * 1e3 / os.sysconf("SC_CLK_TCK")


def longest_calls(
    table: Table, known: np.ndarray, work: Callable[[np.ndarray], object], ids: np.ndarray
) -> np.ndarray:
    """Milliseconds of the longest lookup of `known` in each batch that `work` gets of `ids`."""
    done, batch, longest = threading.Event(), 0, np.zeros(-(-len(ids) // BATCH))

    def probe() -> None:
        while not done.wait(EVERY_S):
            began, during = time.perf_counter(), batch
            table.find(known)
            waited, here = 1e3 * (time.perf_counter() - began), slice(during, batch + 1)
            longest[here] = np.maximum(longest[here], waited)

    prober = threading.Thread(target=probe)
    prober.start()
    for batch in range(len(longest)):
        work(ids[batch * BATCH : (batch + 1) * BATCH])
    done.set()
    prober.join()
    return longest


def _config(dim: int) -> TableConfig:
    return TableConfig((Segment(dim, optimizer=Adagrad()),))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def judged(dim: int, fills: list[Fill]) -> list[Verdict]:
    most = 4 * dim * 2 + INDEX_BYTES
    median = {name: statistics.median(one.figures[name] for one in fills) for name in fills[0].figures}
    pause = float(np.median([one.longest for one in fills], axis=0).max())
    return [
        verdict(f"bytes a row, dim {dim} with Adagrad", median["bytes_per_row"], at_most=most),
        verdict(f"bytes a row that the process holds, dim {dim}", median["resident_per_row"], at_most=most),
        verdict(f"longest wait of another call that growth brings, ms, dim {dim}", pause, PAUSE_MS),
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
                print(*(f"{name} {value:.1f}" for name, value in one.figures.items()), sep=", ", flush=True)
                fills.append(one)
            record.more[f"dim {dim}"] = [one.figures for one in fills]
            verdicts += judged(dim, fills)
    conclude(record, verdicts)


if __name__ == "__main__":
    main()
