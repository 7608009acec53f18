"""A job in a box for all cases of a file, made anew after one that did not end well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.cli.processes import free_port
from tests.integration.discovery.forwarder import Forwarder
from tests.integration.faults.blows import logged
from tests.integration.faults.box import Box
from tests.integration.faults.counting import WITNESS
from tests.integration.stream import tansu
from tests.integration.stream.mock import MockCluster
from tests.integration.stream.tansu import Tansu
from tests.requirements import require

Make = Callable[[Path, ExitStack], Box]


def with_tansu(folder: Path, undo: ExitStack) -> Box:
    """A box whose broker can be killed, frozen and cut off."""
    require("tansu", tansu.missing())
    port = free_port()
    way = Forwarder(port)
    undo.callback(way.close)
    broker = Tansu(folder, port, way.port)
    undo.callback(broker.kill)
    return Box(folder, broker, [way])


def with_mock(folder: Path, undo: ExitStack) -> Box:
    """A box whose broker fails as it is told."""
    broker = MockCluster(3)
    undo.callback(broker.close)
    broker.create("clicks", 3)
    return Box(folder, broker)


class Shelf:
    """One box, used again as long as all went well with it, and its broker has all that was sent."""

    def __init__(self, folder: Callable[[], Path], patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch
        self._undo = ExitStack()
        self._held: tuple[Make, Path, Box] | None = None

    def take(self, make: Make) -> Box:
        if self._held is None or self._held[0] is not make or self._held[2].forgotten:
            self.throw_away()
            folder = self._folder()
            self._patch.setenv(WITNESS, str(folder / "witness"))
            box = make(folder, self._undo)
            self._undo.callback(box.close)
            self._held = make, folder, box
        return self._held[2]

    def throw_away(self) -> str:
        """What everybody in it said last."""
        self._undo.close()
        held, self._held = self._held, None
        return logged(held[1]) if held else ""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with pytest.MonkeyPatch.context() as patch:
        shelf = Shelf(lambda: tmp_path_factory.mktemp("box"), patch)
        yield shelf
        shelf.throw_away()
