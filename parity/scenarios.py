"""Which scenarios of the matrix a text means.

    role=worker & fault=register_hangs & deregister=fails|hangs & names=custom

A term is `axis=value`, an axis a field of `Scenario`. Alternatives stand between bars, and `*` stands for any
letters. An axis that no term names may be anything. Where nothing goes wrong, the fault is `all_well`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import cache

from tests.matrix.axes import Scenario

AXES = tuple(field.name for field in fields(Scenario))


class BadSelector(ValueError):
    """What is wrong with a selector, in one sentence."""


class Scenarios:
    """The scenarios there are, found by their values."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self.all = frozenset(scenarios)
        self._by_value: dict[str, dict[str, set[Scenario]]] = {axis: defaultdict(set) for axis in AXES}
        for scenario in self.all:
            for axis in AXES:
                value = getattr(scenario, axis)
                self._by_value[axis]["all_well" if value is None else str(value)].add(scenario)

    def select(self, selector: str) -> frozenset[Scenario]:
        """The scenarios that `selector` means: some, but not all.

        Raises:
            BadSelector: it means none or all of them, or names an axis or a value that nothing has.
        """
        terms = sorted((self._having(term.strip()) for term in selector.split("&")), key=len)
        chosen = terms[0].intersection(*terms[1:])
        if not chosen:
            raise BadSelector(f"{selector!r} selects no scenario")
        if chosen == self.all:
            raise BadSelector(f"{selector!r} selects every scenario: that shows nothing in particular")
        return chosen

    @cache  # noqa: B019  # few terms, one object
    def _having(self, term: str) -> frozenset[Scenario]:
        axis, _, values = term.partition("=")
        if axis not in AXES:
            raise BadSelector(f"{term!r} names no axis: there are {', '.join(AXES)}")
        having: set[Scenario] = set()
        for pattern in values.split("|"):
            found = [s for value, s in self._by_value[axis].items() if fnmatchcase(value, pattern)]
            if not found:
                raise BadSelector(f"no scenario has {axis}={pattern}")
            having.update(*found)
        return frozenset(having)
