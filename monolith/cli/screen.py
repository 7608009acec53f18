"""What a person sees: progress while it lasts, a table at the end. Programs get one JSON object."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monolith.cli.command import Report, Table
from monolith.core.progress import Rows

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
    from rich.table import Table as Drawn

    from monolith.cli.bars import Bars


UNBOUNDED = 10_000  # columns of what is no terminal: who reads a file or a pipe can scroll, or cut


class Screen:
    """A `core.progress.Progress` that draws on standard error, and prints reports on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def begin(self, what: str, total: int | None, unit: str) -> None:
        if self._as_json or not sys.stderr.isatty():
            return
        self.end()
        from monolith.cli.bars import bars

        with self._heard_or_not():
            self._bars = bars(unit)
            self._task = self._bars.add_task(what, total=total, figures="")
            self._bars.start()

    def advance(self, count: int = 1, **figures: float) -> None:
        if self._bars is None or self._task is None:
            return
        told: dict[str, Any] = {"figures": _figures(figures)} if figures else {}
        self._bars.update(self._task, advance=count, **told)

    def say(self, sentence: str) -> None:
        with self._heard_or_not():
            if self._bars is not None:
                self._bars.console.print(sentence, highlight=False, markup=False)
            else:
                print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def show(self, sentence: str, table: Rows) -> None:
        if self._bars is None:
            self.say(sentence)
        elif table:
            with self._heard_or_not():
                drawn = _drawn(Table(tuple(table[0]), [tuple(row.values()) for row in table]))
                self._bars.show(drawn)

    def end(self) -> None:
        bars, self._bars = self._bars, None
        if bars is not None:
            with contextlib.suppress(OSError):
                bars.stop()

    def report(self, report: Report) -> None:
        self.end()
        if self._as_json:
            self.object(report.as_dict())
            return
        from rich.console import Console

        console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED)
        with _standard_output():
            if report.figures:
                names = Table(("", ""), [(k.replace("_", " "), v) for k, v in report.figures.items()])
                _print_table(console, names, report.title, head=False)
            if report.table:
                _print_table(console, report.table, "" if report.figures else report.title, head=True)

    def tell(self, sentence: str, data: dict[str, object]) -> None:
        self.end()
        if self._as_json:
            self.object(data)
        else:
            _print(sentence)

    @contextlib.contextmanager
    def _heard_or_not(self) -> Iterator[None]:
        """End no work because nobody can be told of it: its terminal is gone, or its log's disk is full."""
        try:
            yield
        except OSError:
            self.end()

    def object(self, data: dict[str, object]) -> None:
        _print(json.dumps(_finite(data), default=_plain, allow_nan=False))

    def error(self, kind: str, sentence: str, *, status: int) -> None:
        self.end()
        if self._as_json:
            with contextlib.suppress(OSError):  # it may be the error that is told
                self.object({"error": sentence, "kind": kind, "status": status})
        self.say(f"monolith: {sentence}")


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    """Let an error of writing name what could not be written."""
    try:
        yield
    except OSError as exc:
        exc.filename = "standard output"
        raise


def _print(line: str) -> None:
    with _standard_output():
        print(line, flush=True)  # noqa: T201


def _print_table(console: Console, table: Table, title: str, *, head: bool) -> None:
    console.print(_drawn(table, title, head=head), markup=False)


def _drawn(table: Table, title: str = "", *, head: bool = True) -> Drawn:
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(title=title or None, title_justify="left", show_header=head)
    for place, column in enumerate(table.columns):
        numeric = head and all(isinstance(row[place], int | float | None) for row in table.rows)
        drawn.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(shown(value)) for value in row))  # as it is: an IPv6 address looks like markup
    return drawn


def _figures(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {shown(value)}" for name, value in figures.items())


def shown(value: object) -> str:
    """A value as a person reads it: thousands apart, four digits after the point."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return _number(value)
        case None:
            return "-"
        case _:
            return str(value)


def _number(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.4f}"


def _finite(value: object) -> object:
    """JSON has no number for what is none, such as the AUC of one class: it is null there."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(one) for key, one in value.items()}
        case list() | tuple():
            return [_finite(one) for one in value]
        case _:
            return value


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise TypeError(f"{type(value).__name__} does not go into JSON")
