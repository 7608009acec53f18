"""How soon, how surely and how cheaply rows that change come to who serves them.

    python bench/sync.py [--quick] [visible away reads throughput memory]

Servers are processes of their own, and so is what is measured of memory. Writes bench-results/sync.json.
"""

from __future__ import annotations

import argparse
import resource
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from harness.crew import Crew, free_ports, listens
from harness.figures import Record
from harness.limits import Verdict, conclude, verdict
from harness.sync_ends import DIM, MIRROR, READY_WITHIN_S, Ends, Writer, ends, lags, rows_of
from harness.sync_speed import filled, lookups_per_s, pushed_per_s
from harness.wire_servers import serving

from monolith.table.table import Table

RATE = 20_000  # changed rows a second
READS, READ_AT_ONCE, HOT = 1_000_000, 1_000, 4_000
VERSIONS = 10  # that are loaded meanwhile
MARKS, AT_ONCE = 10_000_000, 1 << 18


def visible(folder: Path, quick: bool) -> Iterator[Verdict]:
    """From a change to the first prediction that shows it."""
    for interval_ms in (200, 1000):
        with ends(folder / str(interval_ms), interval_ms) as both:
            told = _lags_of(both, 5 if quick else 20)
        yield _lag_verdict(f"visible, pushed to every {interval_ms} ms", told, interval_ms / 1000 + 1)


def _lags_of(both: Ends, seconds: float) -> list[float]:
    client = both.client()
    with both.asking() as asked, Writer(client, RATE) as writer:
        warm = time.monotonic() + 3
        list(lags(asked, writer, warm))
        told = list(lags(asked, writer, warm + seconds))
    print(f"{writer.late} of {len(writer.ticks)} ticks were late", flush=True)
    client.close()
    return told


def away(folder: Path, quick: bool) -> Iterator[Verdict]:
    """One of two replicas stands still, and then has to have everything."""
    seconds = 5 if quick else 30
    with ends(folder, 1000, replicas=2) as three:
        client = three.client()
        with three.asking(1) as asked, Writer(client, RATE) as writer:
            list(lags(asked, writer, time.monotonic() + 3))
            three.crew.send("replica-0", signal.SIGSTOP)
            told = list(lags(asked, writer, time.monotonic() + seconds))
            three.crew.send("replica-0", signal.SIGCONT)
        began = time.monotonic()
        while not three.same(client, 0) and time.monotonic() < began + 60:
            time.sleep(0.1)
        yield _lag_verdict(f"the other one, while one is away for {seconds} s", told, 2.0)
        yield verdict("s until who was away has every row", time.monotonic() - began, at_most=10)
        yield verdict("the other one has every row as well", float(three.same(client, 1)), at_least=1)
        client.close()


def _lag_verdict(what: str, told: list[float], promised: float) -> Verdict:
    p50, p99 = np.percentile(told, [50, 99])
    return verdict(f"{what}: s, p99 of {len(told)} changes (p50 {p50:.2f})", float(p99), at_most=promised)


def reads(folder: Path, quick: bool) -> Iterator[Verdict]:
    """Rows that are asked for while they change and new versions come."""
    wanted, versions_wanted = (READS // 10, 3) if quick else (READS, VERSIONS)
    with ends(folder, 200) as both:
        client = both.client()
        with both.asking() as asked, Writer(client, RATE, HOT):
            over, versions = threading.Event(), [1]
            exporting = threading.Thread(target=_export, args=(both, over, versions))
            exporting.start()
            enough = lambda done: done >= wanted and versions[0] >= versions_wanted  # noqa: E731
            torn, older, done = _judged_reads(lambda ids: rows_of(asked, ids), enough)
            over.set()
            exporting.join()
        client.close()
    print(f"{done:,} rows were read, while {versions[0]} versions were loaded", flush=True)
    yield verdict("rows that were whole, of all that were read", 1 - torn / done, at_least=1)
    yield verdict("rows that were as new as before, of all", 1 - older / done, at_least=1)


def _export(both: Ends, over: threading.Event, versions: list[int]) -> None:
    client = both.client()
    while not over.wait(0.5):
        versions[0] += 1
        both.export(client, versions[0], embeddings=versions[0] % 2 == 0)
    client.close()


def _judged_reads(
    ask: Callable[[np.ndarray], np.ndarray], enough: Callable[[int], bool]
) -> tuple[int, int, int]:
    seen, random = np.zeros(HOT, np.float32), np.random.default_rng(0)
    torn = older = done = 0
    while not enough(done):
        ids = random.choice(HOT, READ_AT_ONCE, replace=False)
        rows = ask(ids)
        torn += int((rows != rows[:, :1]).any(axis=1).sum())
        older += int((rows[:, 0] < seen[ids]).sum())
        seen[ids] = rows[:, 0]
        done += len(ids)
    return torn, older, done


def throughput(folder: Path, quick: bool) -> Iterator[Verdict]:
    """Pushes of all rows, and lookups of the same number, in turn."""
    table = filled()
    (port,) = free_ports(1)
    with Crew(folder) as crew, serving(DIM, 1) as servers:
        MIRROR.write(folder / "mirror")
        where = f"--host 127.0.0.1 --port {port} --health-port 0"
        crew.start("replica", f"monolith serve --model-path mirror {where}")
        crew.until("the replica", lambda: listens(port), READY_WITHIN_S)
        ratios: dict[str, list[float]] = {"everything": [], "changes": []}
        for number in range(4 if quick else 10):
            pushed, asked = pushed_per_s(table, port), lookups_per_s(servers[0].ps)
            shown = ", ".join(f"{what} {rate / 1e6:.2f}" for what, rate in pushed.items())
            print(f"pushed: {shown}; looked up {asked / 1e6:.2f} million rows/s", flush=True)
            for what, rate in pushed.items() if number else ():  # the first compiles
                ratios[what].append(rate / asked)
    for what, told in ratios.items():
        says = f"rows of pushes of {what} over rows of calls, {DIM} values each"
        yield verdict(says, statistics.median(told), at_least=0.7)


def memory(_folder: Path, quick: bool) -> Iterator[Verdict]:
    """What a server needs more for ten million rows that changed and were not pushed."""
    count = MARKS // 10 if quick else MARKS
    ours, theirs = get_context("spawn").Pipe()
    measuring = get_context("spawn").Process(target=_mark, args=(theirs, count))
    measuring.start()
    grown, peak = ours.recv()
    measuring.join()
    yield verdict(f"MB for {count:,} marks", grown / 1e6, at_most=200)
    yield verdict("the same, with what is needed to look at them", peak / 1e6, at_most=200)


def _mark(tell: Connection, count: int) -> None:
    table = Table(MIRROR.configs["t"])
    _touch(table, count)
    before = _resident()
    reader = table.journal().reader()
    reader.begin()
    _touch(table, count)
    grown = _resident() - before
    chunks = reader.ahead().fids
    assert chunks is not None
    assert sum(map(len, chunks)) == count
    tell.send((grown, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before))


def _touch(table: Table, count: int) -> None:
    for start in range(0, count, AT_ONCE):
        ids = np.arange(start, min(count, start + AT_ONCE))
        table.assign(ids, np.ones((len(ids), DIM), np.float32))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


PARTS = {part.__name__: part for part in (visible, away, reads, throughput, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the reads, short times")
    options = parser.parse_args()
    record, verdicts = Record("sync"), []
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"## {name}", flush=True)
            for one in PARTS[name](Path(folder), options.quick):
                print(one, flush=True)
                verdicts.append(one)
    conclude(record, verdicts)


if __name__ == "__main__":
    main()
