"""A product of axes, less the holes that have a reason."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

S = TypeVar("S")


class Matrix(Generic[S]):
    def __init__(
        self,
        make: Callable[..., S],
        axes: Mapping[str, Iterable[Any]],
        holes: tuple[tuple[str, Callable[[S], bool]], ...] = (),
    ) -> None:
        self._make = make
        self._axes = {name: tuple(values) for name, values in axes.items()}
        self._holes = holes

    def except_(self, why: str, when: Callable[[S], bool]) -> Matrix[S]:
        """Leave out the scenarios for which `when` holds, for the reason `why`."""
        return Matrix(self._make, self._axes, (*self._holes, (why, when)))

    def product(self) -> Iterator[tuple[S, str | None]]:
        """Every combination, with the reason it is left out, if it is."""
        for values in itertools.product(*self._axes.values()):
            scenario = self._make(**dict(zip(self._axes, values, strict=True)))
            yield scenario, next((why for why, when in self._holes if when(scenario)), None)

    def __iter__(self) -> Iterator[S]:
        return (scenario for scenario, hole in self.product() if hole is None)
