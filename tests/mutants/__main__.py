"""`python -m tests.mutants`: plant every bug, and print which law or test catches it."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.bugs import BUGS
from tests.mutants.planting import ROOT, Bug, Verdict, judge, misplaced

PAGE = ROOT / "docs" / "mutants.md"
AT_ONCE = 2  # one bug per core, its tests one after another: so it is always the same test that is first
NO_BUG = Bug("Nothing is wrong", "pyproject.toml", "[build-system]", "[build-system]")

HEAD = f"""# Bugs that were planted

Written by `python -m tests.mutants --write`; do not edit. Each of {len(BUGS)} bugs was planted by itself
in a copy of the package, and tests were run until the first turned red. A sentence is a law of tests/matrix.
`nox -s soak` does it again.

| What is wrong | in | is caught by |
|---|---|---|
"""


def main() -> int:
    asked = _asked()
    if lost := misplaced(BUGS):
        print(*lost, sep="\n", file=sys.stderr)
        return 1
    if asked.check:
        return _check()
    bugs = [bug for bug in BUGS if asked.only in bug.meaning]
    controls = [NO_BUG._replace(tests=tests) for tests in sorted({bug.tests for bug in bugs})]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        if red := [verdict.caught_by for verdict in pool.map(judge, controls) if verdict.caught_by]:
            print("red without any bug:", *red, sep="\n  ", file=sys.stderr)
            return 1
        verdicts = list(pool.map(_judged, bugs))
    if asked.write:
        PAGE.write_text(HEAD + "".join(map(_row, bugs, verdicts)))
    survivors = [bug.meaning for bug, verdict in zip(bugs, verdicts, strict=True) if not verdict.caught_by]
    print(f"{len(bugs)} bugs planted, {len(survivors)} not caught", *survivors, sep="\n  ")
    return 1 if survivors else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only ask if each can be planted and is listed")
    what.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    what.add_argument("--only", default="", metavar="WORDS", help="of bugs whose meaning has these words")
    return parser.parse_args()


def _check() -> int:
    page = PAGE.read_text() if PAGE.exists() else ""
    missing = [bug.meaning for bug in BUGS if f"| {bug.meaning} |" not in page]
    if missing:
        print(
            f"not in {PAGE}, so run python -m tests.mutants --write:", *missing, sep="\n  ", file=sys.stderr
        )
    return 1 if missing else 0


def _judged(bug: Bug) -> Verdict:
    verdict = judge(bug)
    who = verdict.caught_by or "NOT CAUGHT"
    print(f"{bug.meaning:<80} {who:<70} {verdict.seconds:5.1f} s  {verdict.complaint:.60}", flush=True)
    return verdict


def _row(bug: Bug, verdict: Verdict) -> str:
    file = Path(bug.file).relative_to("monolith")
    return f"| {bug.meaning} | {file} | {verdict.caught_by or '**nothing**'} |\n"


if __name__ == "__main__":
    sys.exit(main())
