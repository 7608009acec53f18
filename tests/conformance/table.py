"""Backends beside laws: what each keeps, and why it does not keep the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.conformance import here
from tests.conformance.consul import FakeSidecarWorld, RealConsulWorld
from tests.conformance.laws import LAWS
from tests.conformance.world import World
from tests.conformance.zookeeper import RealZooKeeperWorld

PAGE = Path(__file__).parents[2] / "docs" / "discovery.md"
BEGIN, END = "<!-- laws: written by `python -m tests.conformance` -->\n", "<!-- end of laws -->\n"
WORLDS: tuple[type[World], ...] = (*here.WORLDS, RealZooKeeperWorld, RealConsulWorld, FakeSidecarWorld)


def table(worlds: Sequence[type[World]] = WORLDS) -> str:
    """In Markdown: a row a law, a column a backend; a number points to the reason below."""
    reasons = list(dict.fromkeys(why for world in worlds for why in world.cannot.values()))
    names = [world.name for world in worlds]
    rows = [f"| | {' | '.join(names)} |", f"|---|{':-:|' * len(names)}"]
    rows += [
        f"| {check.__doc__} | {' | '.join(_cells(law, worlds, reasons))} |" for law, check in LAWS.items()
    ]
    notes = [f"{number}. {why}" for number, why in enumerate(reasons, 1)]
    return "\n".join([*rows, "", *notes, ""])


def page(written: str) -> str:
    """The page with the table as it should be."""
    before, _, rest = written.partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


def _cells(law: str, worlds: Sequence[type[World]], reasons: list[str]) -> Iterator[str]:
    for world in worlds:
        why = world.cannot.get(law)
        yield f"[{reasons.index(why) + 1}]" if why else "✓"
