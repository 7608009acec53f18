"""What a command is: its settings, and a function from settings to a report."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from monolith.cli.interrupts import Interrupts
from monolith.config.settings import Layer, Settings
from monolith.core.address import Address
from monolith.core.progress import Progress
from monolith.core.stop import Stop

if TYPE_CHECKING:
    from monolith.config.places import Looking, Serving
    from monolith.discovery.base import Discovery
    from monolith.runner.part import Ways

C = TypeVar("C", bound=Settings)
T = TypeVar("T")


@attrs.frozen
class Table:
    """Rows for people to read; for programs, a list of objects under `key`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    key: str = "rows"

    def as_dicts(self) -> list[dict[str, object]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@attrs.frozen(kw_only=True)
class Report:
    """What a command found or did, told once and printed twice: as a table or as one JSON object.

    A figure's key is its name in JSON; printed, underscores become spaces.
    """

    title: str
    figures: Mapping[str, object] = attrs.field(factory=dict)
    table: Table | None = None
    status: int = 0  # the exit code

    def as_dict(self) -> dict[str, object]:
        rows = {self.table.key: self.table.as_dicts()} if self.table else {}
        return {**self.figures, **rows}


def _find(settings: Looking, environ: Mapping[str, str]) -> Discovery:
    from monolith.discovery.choose import choose
    from monolith.discovery.named import roles_of

    roles = roles_of(settings.discovery_service_type_ps, settings.discovery_service_type_worker)
    return choose(settings, environ, roles)


def _search(settings: Serving, environ: Mapping[str, str]) -> Discovery:
    from monolith.discovery.choose import choose

    return choose(settings, environ)


def _listens(address: Address) -> Awaitable[bool]:
    from monolith.discovery.listening import answers

    return answers(address)


def _run(main: Coroutine[Any, Any, T]) -> T:
    import asyncio

    return asyncio.run(main)


@attrs.frozen(kw_only=True)
class Outside:
    """How a process finds others, and who serves; sees if they listen; runs; tells the time; reaches them."""

    find: Callable[[Looking, Mapping[str, str]], Discovery] = _find
    search: Callable[[Serving, Mapping[str, str]], Discovery] = _search
    listens: Callable[[Address], Awaitable[bool]] = _listens
    run: Callable[[Coroutine[Any, Any, Any]], Any] = _run
    clock: Callable[[], float] = time.time
    ways: Ways | None = None


@attrs.frozen
class Ui:
    """What a command may use of the world around it.

    `tell` gives a line of output while the command goes on: a sentence for people, an object for programs.
    """

    progress: Progress
    interrupts: Interrupts
    environ: Mapping[str, str]
    outside: Outside = Outside()
    tell: Callable[[str, dict[str, object]], None] = lambda _sentence, _data: None

    @property
    def stop(self) -> Stop:
        return self.interrupts.stop

    def find(self, settings: Looking) -> Discovery:
        """What `settings` name to find others by; says so where there are none to be found."""
        from monolith.config.places import IN_MEMORY

        if settings.kind == IN_MEMORY and self.outside.find is _find:
            self.progress.say("no other process can be found: give --discovery-path, or another --discovery")
        return self.outside.find(settings, self.environ)


Defaults = Callable[[Mapping[str, Any], Mapping[str, str]], list[Layer]]


def _no_defaults(_said: Mapping[str, Any], _environ: Mapping[str, str]) -> list[Layer]:
    return []


@attrs.frozen
class Command(Generic[C]):
    """One word of the command line. `graceful`: it looks at `ui.stop`, so the first Ctrl-C only asks.

    `defaults` gives weaker layers than those whose settings it is shown, out of the environment.
    """

    settings: type[C]
    run: Callable[[C, Ui], Report]
    graceful: bool = False
    defaults: Defaults = _no_defaults


AnyCommand = Command[Any]
