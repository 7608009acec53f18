"""The backends that need no server: a dict, a folder, and the environments of two schedulers."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import attrs

from monolith.core.address import Address, parse_address
from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.host_files import HostFiles
from monolith.discovery.listening import Listening
from monolith.discovery.memory import InMemory
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import NamedDiscovery
from monolith.discovery.tf_config import TfConfig
from monolith.testing import virtual_time
from tests.conformance.world import World

T = TypeVar("T")

_NO_SERVER = {"a_server_can_be_restarted": "there is no server"}
_ONE_PROCESS = "all is in one process, which lives and dies as a whole"


class InMemoryWorld(World):
    """Clients over one dict, on a clock that jumps."""

    name = "in-memory"
    cannot: ClassVar = {
        **_NO_SERVER,
        "the_dead_disappear": _ONE_PROCESS,
        "the_frozen_disappear": _ONE_PROCESS,
        "a_cut_network_heals": _ONE_PROCESS,
        "a_value_that_is_no_address_is_named": "only services can be put there",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._board: dict[str, ServiceInfo] = {}

    def client(self) -> Backend:
        return InMemory(self._board)

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return virtual_time.run(play)[0]


class HostFilesWorld(World):
    """Clients over one folder."""

    name = "host-files"
    patience_s = 1.0
    _EXPIRES = "a file stays until it is removed or replaced"
    cannot: ClassVar = {
        **_NO_SERVER,
        "one_index_can_be_claimed_twice": "an index is one file: the later claim replaces the earlier",
        "the_dead_disappear": _EXPIRES,
        "the_frozen_disappear": _EXPIRES,
        "a_cut_network_heals": "the folder is the network: its file system decides",
    }

    def client(self) -> Backend:
        return HostFiles(self.folder, poll_s=0.01)

    async def kill(self, client: Backend) -> None:
        """It held nothing open, so there is nothing that would end with it."""

    async def freeze(self, client: Backend) -> None:
        """It holds nothing open, so there is nothing that would stand still."""

    async def plant(self, service_type: str, index: int, text: str) -> None:
        (self.folder / service_type).mkdir()
        (self.folder / service_type / str(index)).write_text(text)


class PlatformWorld(World):
    """A scheduler, which lists a process as soon as it has an index, and does not move it."""

    patience_s = 3.0
    _LISTED = "the platform lists a process as long as the job runs"
    _PLACED = "the platform says where a process is"
    _SAID = "the platform says nothing but type, index and address"
    cannot: ClassVar = {
        **_NO_SERVER,
        "one_can_move": _PLACED,
        "a_successor_takes_over": _PLACED,
        "events_come_in_order": _PLACED,
        "one_index_can_be_claimed_twice": "an index is listed once",
        "the_deregistered_are_gone": _LISTED,
        "a_slow_reader_is_told_the_difference": _LISTED,
        "nothing_is_deregistered_twice": "the list is not ours: taking something off it changes nothing",
        "strangers_take_nothing_away": "the list is not ours: taking something off it changes nothing",
        "odd_characters_come_through": _SAID,
        "the_frozen_disappear": "the port of a process that stands still answers all the same",
        "a_cut_network_heals": "the list is in the environment of each process",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.listed: dict[int, str] = {}
        self.open: set[str] = set()  # addresses

    def run(self, play: Coroutine[Any, Any, T]) -> T:
        return virtual_time.run(play)[0]

    def service(self, index: int = 0, *, host: str = "10.0.0.1", **metadata: str) -> ServiceInfo:
        info = ServiceInfo.listed("ps", index, super().service(index, host=host).address)
        self.listed.setdefault(index, info.address)
        return attrs.evolve(info, metadata={**info.metadata, **metadata})

    async def kill(self, client: Backend) -> None:
        assert isinstance(client, _Process)
        self.open -= client.listens

    async def freeze(self, client: Backend) -> None:
        """Its kernel goes on taking connections."""

    async def plant(self, service_type: str, index: int, text: str) -> None:
        self.listed[index] = text


class TfConfigWorld(PlatformWorld):
    """TF_CONFIG as it would be for a process that starts now."""

    name = "tf-config"

    def client(self) -> Backend:
        return _Process(self, TfConfig(_Cluster(self.listed), "ps", 0))


class _Cluster(UserDict[str, tuple[str, ...]]):
    """Role → addresses, as listed at the moment that one asks."""

    def __init__(self, listed: dict[int, str]) -> None:
        super().__init__(ps=(), worker=())
        self._listed = listed

    def __getitem__(self, role: str) -> tuple[str, ...]:
        return tuple(self._listed[index] for index in sorted(self._listed)) if role == "ps" else ()


class MlpWorld(PlatformWorld):
    """The variables of the platform."""

    name = "mlp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environ: dict[str, str] = {}

    def client(self) -> Backend:
        return _Process(self, Mlp(self.environ))

    def service(self, index: int = 0, *, host: str = "10.0.0.1", **metadata: str) -> ServiceInfo:
        info = super().service(index, host=host, **metadata)
        at = parse_address(self.listed[index])
        self._say(
            MLP_PS_NUM=max(self.listed) + 1,
            **{f"MLP_PS_{index}_PRIMARY_HOST": at.host, f"MLP_PS_{index}_PORT": at.port},
        )
        return info

    def _say(self, **variables: object) -> None:
        self.environ |= {name: str(value) for name, value in variables.items()}

    async def plant(self, service_type: str, index: int, text: str) -> None:
        self.service(index)
        self._say(**{f"MLP_{service_type.upper()}_{index}_PORT": text})


class _Process(Listening):
    """A client that listens where it registers."""

    def __init__(self, world: PlatformWorld, platform: NamedDiscovery) -> None:
        super().__init__(platform, {}, self._answers)
        self._world = world
        self.listens: set[str] = set()

    async def _register(self, info: ServiceInfo) -> None:
        await super()._register(info)
        self.listens.add(info.address)
        self._world.open.add(info.address)

    async def _answers(self, address: Address) -> bool:
        return str(address) in self._world.open


WORLDS: tuple[type[World], ...] = (InMemoryWorld, HostFilesWorld, TfConfigWorld, MlpWorld)
