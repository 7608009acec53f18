"""How far parameter servers scale, from 1 to 64: a model, fed with costs that are measured first.

    python bench/scaling.py [--costs bench-results/scaling.json] [--gbit 10]

Measures what messages and ids cost a worker and a server, predicts ids/s for a training step (lookup and
apply), says where it bends and why, and checks the model with the servers that fit on this machine.
Writes bench-results/scaling.json and scaling.png.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
from dataclasses import asdict
from pathlib import Path

from harness import plots, ps_costs
from harness.figures import Record
from harness.scaling_model import Cost, Costs, Prediction, bend, predict, sharing

SHARDS = (1, 2, 4, 8, 16, 32, 64)
BATCHES = (16_384, 131_072)
CASES = tuple(itertools.product(BATCHES, (False, True)))  # one worker, or one for each server
SIZES = (256, 1024, 4096, 16_384)
ID_BYTES = 8  # and a row of floats, one way or the other
Sides = tuple[Cost, Cost]  # the worker's, the server's


def main() -> None:
    asked = arguments()
    record = Record("scaling")
    kinds = read(asked.costs) if asked.costs else measured(asked)
    record.more["costs"] = {kind: [asdict(side) for side in sides] for kind, sides in kinds.items()}
    for kind, sides in kinds.items():
        for side, cost in zip(("worker", "server"), sides, strict=True):
            print(f"{kind:6} {side}: {cost.message * 1e6:6.1f} us a message, {cost.id * 1e9:6.1f} ns an id")
    step = together(list(kinds.values()), asked)
    curves = {case_name(*case): curve(step, *case) for case in CASES}
    bends = {case_name(*case): explained(step, *case) for case in CASES}
    for name, them in curves.items():
        show(name, them)
        print(f"  {bends[name]}")
    record.more["predictions"] = {name: [asdict(one) for one in them] for name, them in curves.items()}
    record.more["bends"] = bends
    if not asked.costs:
        record.more["check"] = check(together([kinds["lookup"]], asked), asked)
    print(record.write(), plots.scaling(curves), sep="\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--costs", type=Path, help="an earlier run's JSON, instead of measuring")
    parser.add_argument("--gbit", type=float, default=10.0, help="of each machine's link")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    parser.add_argument("--quick", action="store_true", help="a tenth of that")
    asked = parser.parse_args()
    if asked.rows < max(BATCHES):
        parser.error(f"--rows {asked.rows} are fewer than a batch of {max(BATCHES)}")
    asked.seconds /= 10 if asked.quick else 1
    return asked


def measured(asked: argparse.Namespace) -> dict[str, Sides]:
    return asyncio.run(ps_costs.measured(SIZES, asked.rows, asked.dim, asked.seconds))


def read(path: Path) -> dict[str, Sides]:
    kept = json.loads(path.read_text())["more"]["costs"]
    return {kind: (Cost(**worker), Cost(**server)) for kind, (worker, server) in kept.items()}


def together(kinds: list[Sides], asked: argparse.Namespace) -> Costs:
    """Of a step that makes one call of each kind for every id."""
    worker, server = (sum(side, Cost(0, 0)) for side in zip(*kinds, strict=True))
    return Costs(worker, server, len(kinds) * (ID_BYTES + 4 * asked.dim), asked.gbit * 1e9 / 8)


def case_name(batch: int, many_workers: bool) -> str:
    return f"{'a worker for each server' if many_workers else 'one worker'}, batches of {batch:,}"


def curve(step: Costs, batch: int, many_workers: bool) -> list[Prediction]:
    return [predict(step, batch, n, n if many_workers else 1) for n in SHARDS]


def show(name: str, predictions: list[Prediction]) -> None:
    print(f"\n{name}\n  servers  M ids/s  of linear  bound by")
    for one in predictions:
        share = one.ids_per_s / predictions[0].ids_per_s / one.shards
        print(f"  {one.shards:7}  {one.ids_per_s / 1e6:7.2f}  {share:9.0%}  {one.bound}")


def explained(step: Costs, batch: int, many_workers: bool) -> str:
    bent = bend(step, batch, SHARDS[-1], many_workers=many_workers)
    if bent is None:
        return "does not bend"
    where = f"bends at {bent.shards} servers, {batch / bent.shards:,.0f} ids of a batch for each"
    return f"{where}: less than half of linear, bound by the {bent.bound}"


def check(lookup: Costs, asked: argparse.Namespace) -> list[dict[str, float]]:
    """Lookups of one worker at as many servers as this machine can bear, predicted and measured."""
    cores, lines = os.cpu_count() or 1, []
    for shards in (1, 2, 4):
        for batch in BATCHES:
            found = asyncio.run(ps_costs.rate(shards, batch, asked.rows, asked.dim, asked.seconds))
            lines.append({"shards": shards, "batch": batch, "found": found})
            lines[-1]["predicted"] = sharing(lookup, batch, shards, cores)
    print(f"\nlookups of one worker and its servers on {cores} cores, M ids/s")
    for one in lines:
        print(
            f"  {one['shards']} servers, batches of {one['batch']:7,}:"
            f" predicted {one['predicted'] / 1e6:5.2f}, found {one['found'] / 1e6:5.2f}"
        )
    return lines


if __name__ == "__main__":
    main()
