"""What is said to show a section of the progress log, or a name of the original's tests.

`claims.toml` speaks of sections, several at once: `sections = "7, 11-13"`. `names.toml` speaks of names by
patterns, the first that fits a name speaks of it; what its groups matched is translated by `[words.GROUP]` and
filled in where a claim says `{GROUP}`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
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
    rules: tuple[str, ...] = ()  # rows of the table of rules
    tests: tuple[str, ...] = ()  # node ids without parameters, or files
    out: str = ""  # why it is not for us
    later: str = ""  # which issue brings it

    @property
    def shows(self) -> bool:
        return bool(self.scenarios or self.laws or self.rules or self.tests)


def _claim(said: Mapping[str, Any]) -> Claim:
    unknown = said.keys() - {field.name for field in fields(Claim)}
    if unknown:
        raise BadClaim(f"a claim has no {', '.join(sorted(unknown))}")
    lists = {key: tuple([value] if isinstance(value, str) else value) for key, value in said.items()}
    return Claim(**{**lists, **{key: said[key] for key in ("out", "later") if key in said}})


def sections(folder: Path = HERE) -> dict[str, str]:
    """All sections: their number and title."""
    lines = (folder / "sections.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def names(folder: Path = HERE) -> list[str]:
    """All names."""
    return (folder / "names.txt").read_text().splitlines()


def of_sections(text: str) -> dict[str, Claim]:
    """Claims by the number of the section.

    Raises:
        BadClaim: a section is claimed twice, or a claim says what is no part of one.
    """
    claims: dict[str, Claim] = {}
    for said in tomllib.loads(text)["claim"]:
        claim = _claim({key: value for key, value in said.items() if key != "sections"})
        for number in _numbers(said["sections"]):
            if number in claims:
                raise BadClaim(f"section {number} is claimed twice")
            claims[number] = claim
    return claims


def _numbers(text: str) -> Iterator[str]:
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        yield from map(str, range(int(first), int(last or first) + 1))


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
