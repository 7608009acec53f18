"""What there is to point at: scenarios, laws, rules, tests, and whether their snapshots are used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity.claims import Claim
from parity.scenarios import BadSelector, Scenarios
from tests.matrix.axes import Scenario

ROOT = Path(__file__).parents[1]
SNAPSHOTS = ROOT / "tests/matrix/__snapshots__"


@dataclass(frozen=True)
class Evidence:
    scenarios: Scenarios
    laws: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()

    def complaints(self, claim: Claim) -> list[str]:
        """What `claim` points at that is not there, or shows nothing."""
        named = {"law": claim.laws, "rule": claim.rules, "test": claim.tests}
        held = {"law": self.laws, "rule": self.rules, "test": self.tests}
        missing = [(kind, one) for kind, some in named.items() for one in some if one not in held[kind]]
        return [
            *(f"there is no {kind} {one}" for kind, one in missing),
            *(said for selector in claim.scenarios for said in self._complaint(selector)),
        ]

    def selected(self, claim: Claim) -> set[Scenario]:
        """The scenarios of a claim without complaints."""
        return {scenario for selector in claim.scenarios for scenario in self.scenarios.select(selector)}

    def _complaint(self, selector: str) -> Iterator[str]:
        try:
            self.scenarios.select(selector)
        except BadSelector as bad:
            yield str(bad)


def gather() -> Evidence:
    """All that the tests of this checkout have to show."""
    from tests.matrix.laws import LAWS
    from tests.matrix.specs.lifecycle import LIFECYCLE
    from tests.unit.config.test_rules import ROWS

    return Evidence(
        scenarios=Scenarios(LIFECYCLE),
        laws=frozenset(law.__name__ for law in LAWS),
        rules=frozenset(ROWS),
        tests=frozenset(tests(ROOT)),
    )


def tests(root: Path) -> Iterator[str]:
    """Files of tests, and the ids of their tests without parameters; read, not imported."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        file = path.relative_to(root).as_posix()
        yield file
        for node in ast.parse(path.read_text()).body:
            yield from (f"{file}::{name}" for name in _test_names(node))


def _test_names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
            yield name
        case ast.ClassDef(name=name, body=body) if name.startswith("Test"):
            yield from (f"{name}::{inner}" for one in body for inner in _test_names(one))
        case ast.Assign(targets=[ast.Name(id=name)]) if name.startswith(
            "Test"
        ):  # hypothesis: Machine.TestCase
            yield name


def unused_snapshots(folder: Path = SNAPSHOTS) -> list[str]:
    """Snapshots that no diagnosis reads."""
    from tests.matrix.test_diagnostics import READ

    texts = "\n".join(path.read_text() for path in sorted(folder.glob("*.ambr")))
    kept = re.findall(r"^# name: (.*)$", texts, re.MULTILINE)
    return sorted(set(kept) - {f"test_diagnosis[{scenario}]" for scenario in READ})
