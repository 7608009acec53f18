"""Is each section of the progress log, and each name of the original's tests, shown by what runs here.

    python parity/audit.py [--json]

Prints what is shown, what comes later, what is out and why. What is missing is named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from parity import claims
from parity.claims import HERE, LATER, BadClaim, Patterns
from parity.counterparts import Closure, close
from parity.evidence import gather, unused_snapshots
from parity.judging import Judgement, by_number, by_pattern, judge
from tests.matrix.axes import Scenario
from tests.matrix.product import Matrix
from tests.matrix.specs.interruption import INTERRUPTION
from tests.matrix.specs.lifecycle import LIFECYCLE

MOST_OUT = {"sections": 15, "names": 10}
COLUMNS = ("shown", *(f"later ({letter})" for letter in LATER), "out", "missing")


@dataclass(frozen=True)
class Audit:
    judged: dict[str, Judgement]  # the sections, and the names
    closure: Closure
    problems: list[str]  # beyond what is missing

    @property
    def passed(self) -> bool:
        return not self.problems and not any(judgement.missing for judgement in self.judged.values())


def audit() -> Audit:
    """Judge what is claimed here.

    Raises:
        BadClaim: a claim cannot be read.
    """
    evidence = gather()
    said = claims.of_sections((HERE / "claims.toml").read_text())
    patterns = Patterns((HERE / "names.toml").read_text())
    judged = {
        "sections": judge(by_number(claims.sections(), said), evidence),
        "names": judge(by_pattern(claims.names(), patterns), evidence),
    }
    closure = close(set[Scenario]().union(*(one.selected for one in judged.values())), LIFECYCLE)
    return Audit(judged, closure, [*problems(judged, LIFECYCLE, INTERRUPTION), *closure.unexplained])


def problems(judged: dict[str, Judgement], *matrices: Matrix[Any]) -> Iterator[str]:
    """What is wrong beyond single claims."""
    for kind, most in MOST_OUT.items():
        if len(judged[kind].out) > most:
            yield f"{len(judged[kind].out)} {kind} are out: at most {most} may be"
    for scenario, why in itertools.chain.from_iterable(matrix.product() for matrix in matrices):
        if why == "":
            yield f"a hole without a reason: {scenario}"
    yield from (f"no diagnosis reads the snapshot {name}" for name in unused_snapshots())


def lines(result: Audit) -> Iterator[str]:
    """The audit for people."""
    yield "".join(f"{title:>11}" for title in ("", "all", *COLUMNS))
    for kind, judgement in result.judged.items():
        yield "".join(f"{cell:>11}" for cell in (kind, judgement.all, *(judgement.of[c] for c in COLUMNS)))
    for kind, judgement in result.judged.items():
        yield from _told(f"{kind} that are out", judgement.out)
    there = {pair: f"{count} counterparts in the matrix" for pair, count in result.closure.there.items()}
    yield from _told("counterparts of the scenarios that are claimed", there)
    left_out = {f"{pair}, {n}": why for (pair, why), n in result.closure.left_out.items()}
    yield from _told("counterparts that cannot be", left_out)
    for kind, judgement in result.judged.items():
        yield from _told(f"{kind} that are missing", judgement.missing)
    yield from ("", *result.problems) if result.problems else ()


def _told(title: str, reasons: dict[str, str]) -> Iterator[str]:
    if reasons:
        yield from ("", f"{title}:", *(f"  {one}: {why}" for one, why in reasons.items()))


def as_json(result: Audit) -> str:
    """The audit for programs."""
    judged = {
        kind: {
            "all": j.all,
            **{c: j.of[c] for c in COLUMNS},
            "reasons_out": j.out,
            "reasons_missing": j.missing,
        }
        for kind, j in result.judged.items()
    }
    left_out = [{"pair": p, "why": why, "count": n} for (p, why), n in result.closure.left_out.items()]
    counterparts = {"there": result.closure.there, "left_out": left_out}
    return json.dumps({**judged, "counterparts": counterparts, "problems": result.problems}, indent=2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one object")
    wanted = parser.parse_args()
    try:
        result = audit()
    except BadClaim as bad:
        sys.stderr.write(f"{bad}\n")
        return 1
    sys.stdout.write((as_json(result) if wanted.json else "\n".join(lines(result))) + "\n")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
