"""`python -m tests.mutants`: plant every bug, and print which law or test catches it.

`--check` only asks whether each bug can still be planted and stands on the page; `--write` writes the page.
"""

from __future__ import annotations

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
    if lost := misplaced(BUGS):
        print(*lost, sep="\n", file=sys.stderr)
        return 1
    if "--check" in sys.argv:
        return _check()
    controls = [NO_BUG._replace(tests=tests) for tests in sorted({bug.tests for bug in BUGS})]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        if red := [verdict.caught_by for verdict in pool.map(judge, controls) if verdict.caught_by]:
            print("red without any bug:", *red, sep="\n  ", file=sys.stderr)
            return 1
        verdicts = list(pool.map(_judged, BUGS))
    if "--write" in sys.argv:
        PAGE.write_text(HEAD + "".join(map(_row, BUGS, verdicts)))
    survivors = [bug.meaning for bug, verdict in zip(BUGS, verdicts, strict=True) if not verdict.caught_by]
    print(f"{len(BUGS)} bugs planted, {len(survivors)} not caught", *survivors, sep="\n  ")
    return 1 if survivors else 0


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
    print(f"{bug.meaning:<80} {verdict.caught_by or 'NOT CAUGHT':<70} {verdict.seconds:5.1f} s", flush=True)
    return verdict


def _row(bug: Bug, verdict: Verdict) -> str:
    file = Path(bug.file).relative_to("monolith")
    return f"| {bug.meaning} | {file} | {verdict.caught_by or '**nothing**'} |\n"


if __name__ == "__main__":
    sys.exit(main())
