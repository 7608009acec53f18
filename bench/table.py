"""The embedding table beside plain gathers that need no hashing: nanoseconds per id, and start-up times.

    python bench/table.py [--rows 1000000] [--dim 16] [--batch 16384]

Every contender reads the same ids, in turn, within one process; the figures are the
median and the best of the rounds; on a machine that does other things as well, believe the best.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from monolith.table.config import Adagrad, Segment, TableConfig
from monolith.table.dedup import dedup
from monolith.table.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES, ROUNDS = 30, 15
WARM_UP = """
from monolith.core.progress import Silent
from monolith.table.config import Segment, TableConfig
from monolith.table.warmup import warm_up
warm_up([TableConfig([Segment(16)])], Silent())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("rows", 1_000_000), ("dim", 16), ("batch", 16_384)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    fids = random.permutation(np.unique(random.integers(-(2**63), 2**63 - 1, asked.rows)))
    table = Table(TableConfig((Segment(asked.dim, optimizer=Adagrad()),)))
    print(f"{asked.rows} rows, dim {asked.dim}, batches of {asked.batch}; ns per id, one thread")
    fill(table, fids, asked.batch)
    for name, share in (("uniform", np.ones(len(fids))), ("zipf 1.05", np.arange(1, len(fids) + 1) ** -1.05)):
        chance = random.permutation(share).cumsum() / share.sum()
        batches = [np.searchsorted(chance, random.random(asked.batch)) for _ in range(BATCHES)]
        compare(name, contenders(table, fids), batches, fids)
    start_up()


def fill(table: Table, fids: np.ndarray, batch: int) -> None:
    """Insert everything, and say how long the slowest batch took beside the median one."""
    table.find_or_insert(fids[:batch])
    took = [timed(table.find_or_insert, fids[at : at + batch]) for at in range(batch, len(fids), batch)]
    print(f"  insert {statistics.median(took) / batch:.1f}, slowest batch {max(took) / batch:.1f}")


def contenders(table: Table, fids: np.ndarray) -> dict[str, Callable[[np.ndarray, np.ndarray], object]]:
    """What is compared: each takes a batch's ids and, for those that do not hash, its row numbers."""
    dense = table.find(fids)[0]
    tensor, grads = torch.from_numpy(dense.copy()), np.full((1 << 20, table.dim), 0.01, np.float32)
    squares = torch.full_like(tensor, 0.1)

    def torch_adagrad(_ids: np.ndarray, positions: np.ndarray) -> None:
        index, grad = torch.from_numpy(positions), torch.from_numpy(grads[: len(positions)])
        squares.index_add_(0, index, grad * grad)
        tensor.index_add_(0, index, grad / squares[index].sqrt(), alpha=-0.001)

    return {
        "numpy gather (no hash)": lambda _, positions: dense[positions],
        "torch index_select (no hash)": lambda _, p: torch.index_select(tensor, 0, torch.from_numpy(p)),
        "table find": lambda ids, _: table.find(ids),
        "table find_or_insert": lambda ids, _: table.find_or_insert(ids),
        "torch adagrad (no hash)": torch_adagrad,
        "table apply adagrad": lambda ids, _: table.apply(ids, grads[: len(ids)]),
        "numpy unique": lambda ids, _: np.unique(ids, return_inverse=True),
        "dedup": lambda ids, _: dedup(ids),
    }


def compare(
    name: str,
    ways: dict[str, Callable[[np.ndarray, np.ndarray], object]],
    batches: list[np.ndarray],
    fids: np.ndarray,
) -> None:
    queries = [(fids[positions], positions) for positions in batches]
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, call in ways.items():
            took[way].append(sum(timed(call, *query) for query in queries) / sum(map(len, batches)))
    for way, figures in took.items():
        print(f"  {name:10} {way:30} {statistics.median(figures):7.1f} {min(figures):7.1f}")


def timed(call: Callable[..., object], *arguments: object) -> float:
    """Nanoseconds of one call."""
    start = time.perf_counter_ns()
    call(*arguments)
    return time.perf_counter_ns() - start


def start_up() -> None:
    """A process that compiles everything, and the next one, which finds it compiled."""
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", WARM_UP]
        cold, warm = (timed(lambda: subprocess.run(command, env=environ, check=True)) / 1e9 for _ in range(2))
    print(f"  whole process with warm_up: cold {cold:.2f} s, warm {warm:.2f} s")


if __name__ == "__main__":
    main()
