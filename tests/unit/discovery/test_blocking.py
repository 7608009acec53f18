"""A backend, asked by code that has no event loop."""

import threading

import pytest

from monolith.core.errors import BackendFailed, DiscoveryClosed, DiscoveryMisconfigured, ServiceNotFound
from monolith.discovery.blocking import Blocking
from monolith.discovery.memory import InMemory

CALLS = {
    "register": lambda platform: platform.register("ps", 0, "h:1"),
    "deregister": lambda platform: platform.deregister("ps", 0, "h:1"),
    "query": lambda platform: platform.query("ps"),
}


class Beating(InMemory):
    """Tells of its signs of life, each of which goes wrong."""

    def __init__(self):
        super().__init__()
        self.beats = []
        self.third = threading.Event()

    async def heartbeat(self, service_id):
        self.beats.append(service_id)
        if len(self.beats) == 3:
            self.third.set()
        raise BackendFailed("no")


@pytest.fixture
def platform():
    held = Blocking("consul", InMemory())
    yield held
    held.close()


def test_it_asks_the_backend(platform):
    for index in (1, 0):
        platform.register("ps", index, f"h:{index}")
    platform.register("worker", 0, "h:2")
    assert (platform.kind, platform.query("ps")) == ("consul", {0: "h:0", 1: "h:1"})
    platform.deregister("ps", 1, "h:1")
    assert list(platform.query("ps")) == [0]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda platform: platform.deregister("ps", 7, "h:1"), ServiceNotFound),
        (lambda platform: platform.register("ps", 0, "nowhere"), DiscoveryMisconfigured),
    ],
)
def test_what_goes_wrong_is_raised_here(platform, call, error):
    with pytest.raises(error):
        call(platform)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("kind", "said"),
    [("consul", "ConsulServiceDiscovery is closed"), ("zk", "ZkServiceDiscovery is closed")],
)
def test_closed_is_closed(kind, said, call):
    platform = Blocking(kind, InMemory())
    platform.query("ps")
    platform.close()
    platform.close()
    with pytest.raises(DiscoveryClosed) as caught:
        call(platform)
    assert str(caught.value) == said


def test_nothing_runs_before_the_first_call():
    before = threading.active_count()
    platform = Blocking("zk", InMemory())
    assert threading.active_count() == before
    platform.close()


def test_close_ends_the_thread(platform):
    before = threading.active_count()
    platform.query("ps")
    assert threading.active_count() == before + 1
    platform.close()
    assert threading.active_count() == before


def test_signs_of_life_go_on():
    backend = Beating()
    platform = Blocking("consul", backend, heartbeat_s=0.001)
    platform.register("ps", 0, "h:1")
    assert backend.third.wait(10)
    platform.close()
    assert set(backend.beats) == {"ps-0"}
