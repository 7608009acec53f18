"""A progress bar, and below it a table that stays for as long."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table


class Bars(Progress):
    """Progress that has something to show beside it."""

    _below: Table | None = None

    def show(self, table: Table) -> None:
        """Put `table` in the place of the one before."""
        self._below = table
        self.refresh()

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn, from top to bottom."""
        yield from super().get_renderables()
        if self._below:
            yield self._below


def bars(unit: str) -> Bars:
    """What a stretch of work is drawn with that is counted in `unit`."""
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
        transient=True,
    )
