"""Write performance.md and its picture from what the benches left in bench-results.

    python docs/performance.py

Not checked for being up to date, for figures belong to a machine and a day.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE.parent / "bench-results"

HEAD = """# Performance

Written by `python docs/performance.py` from what `nox -s bench` measured; do not edit.

`nox -s bench -- table` fills the table and its peers with the same ids, each in a process and an
environment of its own, and asks them in turn, round after round, with one thread and right after that
with two. A figure is the median of the rounds; a ratio is the median of the rounds' own ratios, so what
the machine does meanwhile meets both sides. Peers that cannot be installed are left out, loudly. `--
table --quick` takes two minutes, the whole 25; `-- growth`, `-- start` and `-- scaling` measure the
rest.

Ratios nearly hold from hour to hour on a shared machine; times, waits above all, do not. The longest call
of a fill was 2 to 6 ms where the host let the memory and the processors be, and 10 to 48 where it did not,
in one day: one such call stood still for 43 ms in which nothing grew and no page came. So the wait that
growth brings is judged, that of the batches that are slow in most of the fills. Where 480 MiB of cache are
shared, a row that is found without hashing is often in it: there a lookup takes 1.6 times as long as
torch's index_select (1.3 is what a plain C loop over the same two places takes), where memory is further away
1.1 to 1.4. The wire is measured with processes anywhere,
where each hand-over from thread to thread wakes another core, and with a core for each. Pushes over calls
were 0.61 to 0.86 for changes and 0.55 to 0.86 for everything in six runs, with medians of 0.77 and 0.7.

The **prefetched gather** is the limit: rows whose numbers are known, copied out of aligned memory on
huge pages with prefetch. That is one random access a row; a table that hashes needs two. PyTorch, numpy
and FBGEMM are asked for row numbers too, so they neither hash nor grow. TFRA's cuckoo table and Redis
take ids, as ours does. Updates are Adagrad of ids that are distinct within a batch. FBGEMM's comes with
the forward pass before it.
"""

SCALING = """
## Many servers

`nox -s bench -- scaling` measures the processor time that messages and ids cost a worker and a server on
loopback, and predicts training steps (a lookup and an apply of each id) where each has a core of its own, and
several batches in flight. What then bends is named; [the model](../bench/harness/scaling_model.py) says
what it leaves out.
"""


def main() -> None:
    records = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    if "table" not in records:
        sys.exit("bench-results/table.json is not there: nox -s bench -- table")
    shutil.copyfile(RESULTS / "table.png", HERE / "performance.png")
    (HERE / "performance.md").write_text("\n".join(page(records)))


def page(records: dict[str, Any]) -> Iterator[str]:
    yield HEAD
    yield from limits(records)
    table = records["table"]
    yield from sizes(table)
    yield "\n![cost by rows, dim, batch and threads](performance.png)\n"
    yield "Lookups above, updates below; dashed where an id's frequency is its rank to the power of -1.05."
    yield from (f"\nLeft out: {who}: {why}." for who, why in table["left_out"].items())
    if "scaling" in records:
        yield SCALING
        yield from scaling(records["scaling"]["more"])


def where(record: dict[str, Any]) -> str:
    at = record["machine"]
    return f"{at['date']}, {at['cores']} cores of {at['cpu']}, {at['memory_gib']} GiB, `{at['command']}`"


def limits(records: dict[str, Any]) -> Iterator[str]:
    yield "\n## What it must reach\n"
    for name, record in records.items():
        if kept := record.get("more", {}).get("limits"):
            yield f"`{name}`: {where(record)}\n"
            yield "| what | must be | is | |"
            yield "|---|---|---|---|"
            for one in kept:
                ratio = "–" if one["ratio"] is None else f"{one['ratio']:.2f}"
                word = {True: "holds", False: "**missed**", None: "not measured"}[one["holds"]]
                yield f"| {one['says']} | {one['bound']} | {ratio} | {word} |"
            yield ""


def sizes(table: dict[str, Any]) -> Iterator[str]:
    """Dim 16, batches of 16,384, uniform, one thread: a line a contender, a column a size."""
    base = {"dim": 16, "batch": 16_384, "skew": "uniform", "threads": 1}
    same = [f for f in table["figures"] if {k: v for k, v in f["load"].items() if k != "rows"} == base]
    rows = sorted({f["load"]["rows"] for f in same})
    yield "## Nanoseconds an id\n\nDim 16, batches of 16,384, uniform, one thread.\n"
    yield "| | " + " | ".join(f"{n:,} rows" for n in rows) + " |"
    yield "|---" * (len(rows) + 1) + "|"
    for kind, way in sorted({(f["kind"], f["way"]) for f in same}):
        by_rows = {f["load"]["rows"]: statistics.median(f["ns"]) for f in same if f["way"] == way}
        cells = (f"{by_rows[n]:.1f}" if n in by_rows else "–" for n in rows)
        yield f"| {kind}: {way} | " + " | ".join(cells) + " |"


def scaling(more: dict[str, Any]) -> Iterator[str]:
    curves = more["predictions"]
    shards = [one["shards"] for one in next(iter(curves.values()))]
    yield "| M ids/s at so many servers | " + " | ".join(map(str, shards)) + " | |"
    yield "|---" * (len(shards) + 2) + "|"
    for name, curve in curves.items():
        figures = " | ".join(f"{one['ids_per_s'] / 1e6:.1f}" for one in curve)
        yield f"| {name} | {figures} | {more['bends'][name]} |"
    yield ""


if __name__ == "__main__":
    main()
