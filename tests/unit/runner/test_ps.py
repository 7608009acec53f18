"""What a parameter server tells the others about itself."""

from __future__ import annotations

import pytest

from monolith import Role, RunnerConfig, ServiceInfo
from monolith.core.errors import BackendFailed, MonolithError, OperationFailed
from monolith.discovery.memory import InMemory
from monolith.runner import DistributedRunConfig, run_distributed
from monolith.runner.ps import advertised
from monolith.testing import virtual_time


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (None, "0.0.0.0:4711"),
        ("ps.example:0", "ps.example:4711"),
        ("[fd00::5]:0", "[fd00::5]:4711"),
        ("10.0.0.5:80", "10.0.0.5:80"),  # a port that is forwarded
    ],
)
def test_what_the_workers_are_told(chosen: str | None, told: str) -> None:
    assert advertised("0.0.0.0:4711", chosen) == told


class Deaf:
    """A server that cannot listen."""

    def __init__(self, _config: RunnerConfig, address: str) -> None:
        self._address = address

    async def prepare(self) -> None: ...

    async def start(self) -> str:
        raise OperationFailed(f"{self._address} is taken", operation="bind")

    async def stop(self, _grace_s: float) -> None: ...

    def figures(self) -> dict[str, object]:
        return {}


class Hearing(Deaf):
    async def start(self) -> str:
        return self._address


class Refusing(InMemory):
    async def register(self, _info: ServiceInfo) -> None:
        raise BackendFailed("no room")


def failed(discovery: InMemory, server: type[Deaf]) -> str:
    config = DistributedRunConfig(RunnerConfig(num_ps=1), Role.PS, "10.0.0.1:80")
    with pytest.raises(MonolithError) as caught:
        virtual_time.run(run_distributed(discovery, config, serve=server))
    return str(caught.value)


def test_who_never_tried_to_register_is_not_missed() -> None:
    assert failed(InMemory(), Deaf) == "10.0.0.1:80 is taken"


def test_who_tried_to_register_is_missed() -> None:
    assert failed(Refusing(), Hearing).endswith("deregister ps-0 from ps: Service not found: ps-0)")
