"""How fast rows come over the wire: our stream, our calls, an echo of as many bytes, and Arrow Flight.

    python bench/wire.py [--quick] [--seconds 0.1] [--rounds 21] [--json FILE]

The client has a process of its own, and so has each server; all but the echo look the rows up in the same
table. The ways are asked in turn, round after round, those that are compared one after the other and each for
a moment only, so that they meet the same machine; ratios are medians of the rounds' own ratios. Calls send
one message, however many ids; a stream cuts it. Two servers are compared with one through the client of a
job, which sends each id to its owner.

All is measured twice: with the processes anywhere, and with client and server on a core each. Where they may
go anywhere, each thread that hands a message to another wakes a second core, and on a virtual machine that
costs as much as all else that a small request does; who has more of such hand-overs loses more by it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from harness.cores import ALL, a_core_each
from harness.figures import Record
from harness.limits import Verdict, verdict
from harness.wire_servers import ROWS, serving
from harness.wire_ways import Way, some_ids, ways_to

SIZES, DIMS = (1024, 16_384, 131_072), (16, 64)
RATIOS = ("stream/flight", "stream/calls", "stream/echo", "two PS/one PS")
THREE = ("one PS", "two PS")  # are three processes: on two cores there is none for each
WARM_S = 0.05
ANYWHERE, APART = "anywhere", "a core each"
PLACES = (ANYWHERE, APART)
LIMITS = [  # at dim 16: what, of so many ids, so many in flight, by processes where, and at least
    *(("stream/flight", *load, 0.8) for load in product((1024, 16_384), (1, 4), PLACES)),
    *(("stream/calls", 1024, 1, where, 1.5) for where in PLACES),
    *(("stream/calls", 131_072, 1, where, 1.7) for where in PLACES),
    ("two PS/one PS", 131_072, 1, ANYWHERE, 0.95),
]
Line = dict[str, Any]
Figures = dict[str, list[float]]  # requests per second, by way


async def measure(dim: int, options: argparse.Namespace) -> list[Line]:
    told = []
    with serving(dim, 2) as servers:
        ends = (os.getpid(), servers[0].process)
        async with ways_to(servers, dim) as ways:
            if "flight" not in ways:
                print("!!! nothing from Arrow Flight, for pyarrow is not installed: pip install pyarrow")
            told += await _loads(ways, dim, ANYWHERE, options)
            if len(ALL) < len(ends):
                print("!!! nothing of a core each: there is but one")
                return told
            two = {name: way for name, way in ways.items() if name not in THREE}
            with a_core_each(ends):
                told += await _loads(two, dim, APART, options)
    return told


async def _loads(ways: dict[str, Way], dim: int, where: str, options: argparse.Namespace) -> list[Line]:
    told = []
    for count, under_way in product(options.sizes, (1, 4)):
        figures = await _rounds(ways, count, under_way, options)
        load = {"ids": count, "dim": dim, "in flight": under_way, "where": where}
        told.append(load | _summary(figures))
        print(_line(told[-1]), flush=True)
    return told


async def _rounds(ways: dict[str, Way], count: int, under_way: int, options: argparse.Namespace) -> Figures:
    figures: Figures = {name: [] for name in ways}
    fids = some_ids(count, ROWS)
    for ask in ways.values():  # so that nothing is compiled or connected while it is measured
        await ask(fids, under_way, WARM_S)
    for _ in range(options.rounds):
        for name, ask in ways.items():
            figures[name].append(await ask(fids, under_way, options.seconds))
    return figures


def judged(told: list[Line]) -> Iterator[Verdict]:
    """Each limit with what was measured."""
    for ratio, ids, under_way, where, least in LIMITS:
        load = {"ids": ids, "dim": 16, "in flight": under_way, "where": where}
        there = (one["ratios"].get(ratio) for one in told if load.items() <= one.items())
        says = f"{ratio}, {ids:,} ids of 16, {under_way} in flight, {where}"
        yield verdict(says, next(there, None), at_least=least)


def _summary(figures: Figures) -> Line:
    ratios = {}
    for ratio in RATIOS:
        one, other = ratio.split("/")
        if other in figures:
            ratios[ratio] = median(a / b for a, b in zip(figures[one], figures[other], strict=True))
    return {"requests/s": {name: median(rounds) for name, rounds in figures.items()}, "ratios": ratios}


def _line(told: Line) -> str:
    rates, ratios = told["requests/s"], told["ratios"]
    shown = "  ".join(f"{name} {rate:6.0f}" for name, rate in rates.items())
    beside = "  ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    load = f"{told['ids']:>7} ids of {told['dim']:>2}, {told['in flight']} in flight, {told['where']}"
    return f"{load}: {shown} /s | {beside}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.1, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="ids of a request")
    parser.add_argument("--dims", type=int, nargs="+", default=DIMS)
    parser.add_argument("--quick", action="store_true", help="one dim, one size, few rounds")
    parser.add_argument("--json", type=Path, default=Path("bench-results/wire.json"))
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.dims, options.rounds = (1024,), (16,), 2
    record = Record("wire")
    told = [line for dim in options.dims for line in asyncio.run(measure(dim, options))]
    limits = list(judged(told))
    print(*limits, sep="\n")
    record.more = {"requests": told, "limits": [asdict(one) for one in limits]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(asdict(record), indent=1))
    print(f"written to {options.json}")


if __name__ == "__main__":
    main()
