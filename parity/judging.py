"""Claims held against the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from parity.claims import LATER, BadClaim, Claim, Patterns
from parity.evidence import Evidence
from tests.matrix.axes import Scenario


@dataclass
class Judgement:
    """What became of the sections, or of the names."""

    of: Counter[str] = field(default_factory=Counter)  # how many are shown, later, out, missing
    out: dict[str, str] = field(default_factory=dict)  # what is out, and why
    missing: dict[str, str] = field(default_factory=dict)  # what is missing, and why
    selected: set[Scenario] = field(default_factory=set)

    @property
    def all(self) -> int:
        return sum(self.of.values())


def judge(claimed: Mapping[str, Claim | None], evidence: Evidence) -> Judgement:
    """Hold each claim against the evidence."""
    result = Judgement()
    for one, claim in claimed.items():
        if complaint := _complaint(claim, evidence):
            result.missing[one] = complaint
            result.of["missing"] += 1
        elif claim:
            result.of[_kind(claim)] += 1
            result.selected |= evidence.selected(claim)
            if claim.out:
                result.out[one] = claim.out
    return result


def _kind(claim: Claim) -> str:
    if claim.out:
        return "out"
    return f"later ({claim.later})" if claim.later else "shown"


def _complaint(claim: Claim | None, evidence: Evidence) -> str:
    if claim is None:
        return "nobody claims it"
    if claim.later and claim.later not in LATER:
        return f"later = {claim.later!r}: must be one of {', '.join(LATER)}"
    if bool(claim.out) == bool(claim.shows or claim.later):
        return "it must be shown now or later, or else be out"
    return "; ".join(evidence.complaints(claim))


def by_number(sections: Iterable[str], said: Mapping[str, Claim]) -> dict[str, Claim | None]:
    """What is claimed of each section.

    Raises:
        BadClaim: of a section that is none.
    """
    numbers = {section: section.split(" ", 1)[0] for section in sections}
    if unknown := said.keys() - set(numbers.values()):
        raise BadClaim(f"there is no section {', '.join(sorted(unknown))}")
    return {section: said.get(number) for section, number in numbers.items()}


def by_pattern(names: Iterable[str], patterns: Patterns) -> dict[str, Claim | None]:
    """What the patterns claim of each name.

    Raises:
        BadClaim: a pattern is the first to fit of no name.
    """
    claimed = {name: patterns.claim(name) for name in names}
    if unused := patterns.unused():
        raise BadClaim(f"no name is left for {' nor '.join(unused)}")
    return claimed
