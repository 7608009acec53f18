"""What is said to show a section of the progress log, or a name of the original's tests.

`claims.toml` has one for each section. `names.toml` has one for each pattern of names: the first pattern that
fits a name speaks of it; what its groups matched is translated by `[words.GROUP]`, and stands for `{GROUP}`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LATER = {"C": "the discovery issue", "E": "the online issue"}


class BadClaim(ValueError):
    """What is wrong with the text of a claim, in one sentence."""


@dataclass(frozen=True)
class Claim:
    scenarios: tuple[str, ...] = ()  # selectors, see scenarios.py
    laws: tuple[str, ...] = ()  # functions of tests/matrix/laws.py
    rules: tuple[str, ...] = ()  # rows of the table in tests/unit/config/test_rules.py
    tests: tuple[str, ...] = ()  # node ids without parameters, or files
    out: str = ""  # why it is not for us
    later: str = ""  # which issue brings it

    @property
    def shows(self) -> bool:
        return bool(self.scenarios or self.laws or self.rules or self.tests)


def _claim(said: Any) -> Claim:
    """A text, or a list of them, selects scenarios; a table says all that there is to say."""
    table: dict[str, Any] = said if isinstance(said, dict) else {"scenarios": said}
    if unknown := table.keys() - {field.name for field in fields(Claim)}:
        raise BadClaim(f"a claim has no {', '.join(sorted(unknown))}")
    parts: dict[str, Any] = {k: v if k in ("out", "later") else _texts(v) for k, v in table.items()}
    return Claim(**parts)


def _texts(said: str | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def sections() -> list[str]:
    """All sections: their number, a space, their title."""
    return (HERE / "sections.txt").read_text().splitlines()


def names() -> list[str]:
    return (HERE / "names.txt").read_text().splitlines()


def of_sections(text: str) -> dict[str, Claim]:
    """Claims by the number of the section.

    Raises:
        BadClaim: a claim says what is no part of one.
    """
    return {number: _claim(said) for number, said in tomllib.loads(text).items()}


class Patterns:
    """Claims by name."""

    def __init__(self, text: str) -> None:
        said = tomllib.loads(text)
        self._words: dict[str, dict[str, str]] = said.get("words", {})
        self._patterns = [
            (re.compile(one["name"]), _claim({key: value for key, value in one.items() if key != "name"}))
            for one in said["pattern"]
        ]
        self.used: set[str] = set()

    def claim(self, name: str) -> Claim | None:
        """What the first pattern that fits `name` claims; None if none fits."""
        for pattern, claim in self._patterns:
            if match := pattern.fullmatch(name):
                self.used.add(pattern.pattern)
                return self._filled(claim, match)
        return None

    def unused(self) -> list[str]:
        """Patterns that spoke of no name so far."""
        return [pattern.pattern for pattern, _ in self._patterns if pattern.pattern not in self.used]

    def _filled(self, claim: Claim, match: re.Match[str]) -> Claim:
        words = {group: self._word(group, text or "") for group, text in match.groupdict().items()}
        lists = ("scenarios", "laws", "rules", "tests")
        filled = {key: tuple(one.format_map(words) for one in getattr(claim, key)) for key in lists}
        return Claim(**filled, out=claim.out, later=claim.later)

    def _word(self, group: str, text: str) -> str:
        try:
            return self._words[group][text]
        except KeyError:
            raise BadClaim(f"[words.{group}] does not translate {text!r}") from None
