"""The embedding table beside the limit and beside its peers: nanoseconds per id, and what they must be.

    python bench/table.py [--quick]

Each contender is a process in an environment of its own, filled with the same ids. They are asked in turn,
round after round, with one thread and right after that with two, so that they meet the same machine, and
ratios are medians of the rounds' own ratios.
Writes bench-results/table.json and table.png.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from harness import loads, plots
from harness.contenders import CONTENDERS, Contender, Worker, WorkerFailedError
from harness.environments import NotInstalledError
from harness.figures import Figure, Load, Record
from harness.limits import LIMITS, LOOKUP, UPDATE, conclude

SKEWS = ("uniform", "zipf")
FULL = [
    *(Load(rows, 16, 16_384, skew) for rows in (100_000, 5_000_000) for skew in SKEWS),
    *(Load(1_000_000, dim, 16_384, skew) for dim in (8, 32, 64, 128) for skew in SKEWS),
    *(
        Load(rows, 16, batch, skew, threads)
        for rows in (1_000_000, 20_000_000)
        for batch, threads in ((1024, 1), (16_384, 1), (131_072, 1), (16_384, 2))
        for skew in SKEWS
    ),
]
QUICK = [
    Load(100_000, 16),
    Load(1_000_000, 64),
    *(Load(1_000_000, 16, 16_384, skew) for skew in SKEWS),
    Load(1_000_000, 16, threads=2),
]


Taken = dict[tuple[Load, str, str], list[float]]  # by load, kind and way, round by round


class Effort(NamedTuple):
    rounds: int
    seconds: float  # of a turn
    ids: int  # to choose from


class Bench:
    """One run: `record` fills while it goes."""

    def __init__(self, only: list[str], effort: Effort, folder: Path) -> None:
        self.record = Record("table")
        self._effort, self._folder = effort, folder
        self._pythons: dict[str, Path] = {}
        for contender in CONTENDERS:
            if not only or contender.script in only:
                try:
                    self._pythons[contender.script] = contender.python()
                except NotInstalledError as reason:
                    self.record.leave_out(contender.script, str(reason))

    def stand(self, rows: int, dim: int, asked: list[Load]) -> None:
        """Fill everybody with `rows` rows, and measure all that is asked of such tables."""
        print(f"\n## {rows:,} rows x {dim}", flush=True)
        fids = self._folder / "fids.npy"
        np.save(fids, loads.fids(rows))
        with self._filled(rows, dim, fids) as workers:
            for batches_of, alike in _by_batches(asked).items():
                batches = self._folder / f"batches-{batches_of.skew}-{batches_of.batch}.npy"
                np.save(batches, loads.batches(batches_of, self._effort.ids))
                self._measure(workers, alike, batches)
                batches.unlink()

    @contextmanager
    def _filled(self, rows: int, dim: int, fids: Path) -> Iterator[dict[str, Worker]]:
        workers: dict[str, Worker] = {}
        try:
            for contender in CONTENDERS:
                name = contender.script
                if name not in self._pythons:
                    continue
                if why := contender.too_large(rows, dim):
                    self.record.leave_out(name, why)
                else:
                    self._fill(workers, contender, fids, dim)
            yield workers
        finally:
            for worker in workers.values():
                worker.close()

    def _fill(self, workers: dict[str, Worker], contender: Contender, fids: Path, dim: int) -> None:
        name = contender.script
        try:
            log = self._folder / f"{name}.log"
            workers[name] = Worker(contender, self._pythons[name], fids, dim, log)
        except WorkerFailedError as reason:
            self.record.leave_out(name, str(reason))
        else:
            took, size = (workers[name].about[what] for what in ("fill_s", "bytes_per_row"))
            print(f"  {name:16} filled in {took:6.1f} s, {size:6.0f} bytes a row", flush=True)

    def _measure(self, workers: dict[str, Worker], alike: list[Load], batches: Path) -> None:
        """Ask all for these batches, with as many threads as each load says."""
        taken: Taken = defaultdict(list)
        for _ in range(self._effort.rounds):
            for name, worker in list(workers.items()):
                try:
                    self._ask(worker, alike, batches, taken)
                except WorkerFailedError as reason:
                    self.record.leave_out(name, str(reason))
                    workers.pop(name).close()
        found = [Figure(*asked, ns) for asked, ns in taken.items() if len(ns) == self._effort.rounds]
        self.record.figures += found
        for load in alike:
            print(f"\n### {load}", flush=True)
            for figure in sorted((f for f in found if f.load == load), key=lambda f: (f.kind, f.median)):
                self._print(figure)

    def _ask(self, worker: Worker, alike: list[Load], batches: Path, taken: Taken) -> None:
        for kind, ways in (("lookup", worker.lookups), ("update", worker.updates)):
            for way in ways:
                for load in alike:
                    took = worker.ask(way, batches, load.threads, self._effort.seconds)
                    taken[load, kind, way].append(took)

    def _print(self, figure: Figure) -> None:
        ours = self.record.find(figure.load, LOOKUP if figure.kind == "lookup" else UPDATE)
        ratio = f"{figure.over(ours):6.2f} x ours" if ours else ""
        spread = f"({min(figure.ns):.1f} to {max(figure.ns):.1f})"
        print(f"  {figure.kind} {figure.way:30} {figure.median:8.1f} ns/id  {spread:20} {ratio}", flush=True)


def _by_batches(asked: list[Load]) -> dict[Load, list[Load]]:
    """Those that ask for the same batches, which differ in threads, by what they share."""
    alike: dict[Load, list[Load]] = defaultdict(list)
    for load in asked:
        alike[replace(load, threads=1)].append(load)
    return alike


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small tables only: under two minutes")
    parser.add_argument("--most-rows", type=int, default=1 << 40, help="leave larger tables out")
    parser.add_argument("--least-rows", type=int, default=0, help="leave smaller tables out")
    parser.add_argument("--only", nargs="*", default=[], metavar="SCRIPT", help="of bench/peers")
    asked = parser.parse_args()
    loads_asked = QUICK if asked.quick else FULL
    todo = [load for load in loads_asked if asked.least_rows <= load.rows <= asked.most_rows]
    stands: dict[tuple[int, int], list[Load]] = defaultdict(list)
    for load in todo:
        stands[load.rows, load.dim].append(load)
    effort = Effort(5, 0.03, 1 << 19) if asked.quick else Effort(7, 0.15, loads.IDS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(asked.only, effort, Path(folder))
        for (rows, dim), some in stands.items():
            bench.stand(rows, dim, some)
    largest = Load(max(load.rows for load in todo), 16)
    print(f"\njudged at {largest}")
    conclude(bench.record, [limit.judge(bench.record, largest) for limit in LIMITS])
    print(plots.table(bench.record))


if __name__ == "__main__":
    main()
