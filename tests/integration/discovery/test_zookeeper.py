"""What is promised of ZooKeeper, on real servers: who dies, freezes and comes back; servers that do."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from monolith.config.runner import RunnerConfig
from monolith.core.errors import (
    BackendFailed,
    BackendUnreachable,
    BackendWiped,
    DiscoveryClosed,
    DiscoveryError,
)
from monolith.discovery.base import ServiceInfo
from monolith.discovery.credentials import get_zk_auth_data
from monolith.discovery.selection import get_discovery
from monolith.discovery.zk_connection import Patience
from monolith.discovery.zookeeper import ZooKeeper
from tests.integration.discovery import ensemble, far_host
from tests.integration.discovery.ensemble import Ensemble, Server
from tests.integration.discovery.far_host import HERE, Direction, FarHost
from tests.integration.discovery.holder import HELD
from tests.requirements import require

SESSION_S = 2.0
TOLERANCE = 1.2
PS0 = ServiceInfo.listed("ps", 0, "10.0.0.1:50051")

Hold = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Starts another process that is registered as PS0; with `where`, somewhere else."""
    started: list[subprocess.Popen[str]] = []

    def start(zookeeper: Server, where: Sequence[str] = ()) -> subprocess.Popen[str]:
        told = (zookeeper.hosts, "/job", str(SESSION_S), "ps", "0", PS0.address)
        command = (*where, sys.executable, "-m", "tests.integration.discovery.holder", *told)
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout
        assert started[-1].stdout.readline().strip() == HELD
        return started[-1]

    yield start
    for process in started:
        process.kill()
        with process:  # which closes its streams, and waits
            pass


@asynccontextmanager
async def connected(hosts: str, **how: object) -> AsyncIterator[ZooKeeper]:
    patience = Patience(SESSION_S, answer_s=5.0)
    backend = ZooKeeper(hosts, "/job", **{"patience": patience, **how})  # type: ignore[arg-type]
    await backend.connect()
    try:
        yield backend
    finally:
        await backend.disconnect()


async def until(expected: list[ServiceInfo], backend: ZooKeeper, within_s: float) -> float:
    """After how many seconds `backend` finds what is expected; errors on the way count as not yet."""
    began = time.monotonic()
    while time.monotonic() < began + within_s:
        with suppress(DiscoveryError):
            if await backend.discover("ps") == expected:
                return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise AssertionError(f"not {expected} within {within_s} s")


async def complaint(
    call: Callable[[], Awaitable[object]], kind: type[DiscoveryError], within_s: float
) -> str:
    """What `call`, repeated until it raises that, says."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                await call()
            except kind as exc:
                return str(exc)
            except BackendUnreachable:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
def test_the_dead_are_gone_in_time(zookeeper: Server, hold: Hold, harm: signal.Signals) -> None:
    async def play() -> float:
        async with connected(zookeeper.hosts) as other:
            await until([PS0], other, 1.0)
            owner.send_signal(harm)
            return await until([], other, TOLERANCE * SESSION_S)

    owner = hold(zookeeper)
    print(f"gone after {asyncio.run(play()):.2f} s")


def test_a_good_end_is_seen_at_once(zookeeper: Server, hold: Hold) -> None:
    async def play() -> float:
        async with connected(zookeeper.hosts) as other:
            assert owner.stdin
            owner.stdin.close()
            return await until([], other, SESSION_S / 2)

    owner = hold(zookeeper)
    asyncio.run(play())


def test_a_restarted_one_stays(zookeeper: Server, hold: Hold) -> None:
    """Its predecessor's node ends with its predecessor's session."""

    async def play() -> None:
        async with connected(zookeeper.hosts) as other:
            end = time.monotonic() + 2 * SESSION_S
            while time.monotonic() < end:
                assert await other.discover("ps") == [PS0]
                await asyncio.sleep(0.05)

    hold(zookeeper).kill()
    hold(zookeeper)
    asyncio.run(play())


def test_who_was_forgotten_registers_again(zookeeper: Server) -> None:
    """A server that stood still ends the sessions that it has not heard of meanwhile."""

    async def play() -> float:
        async with connected(zookeeper.hosts) as owner, connected(zookeeper.hosts) as other:
            await owner.register(PS0)
            zookeeper.send(signal.SIGSTOP)
            said = await complaint(lambda: other.discover("ps"), BackendUnreachable, 2 * SESSION_S)
            assert f"ZooKeeper at {zookeeper.hosts}" in said
            await asyncio.sleep(SESSION_S)
            zookeeper.send(signal.SIGCONT)
            return await until([PS0], other, 2.0 + 0.5)  # to register, and to connect

    print(f"registered again after {asyncio.run(play()):.2f} s")


def test_a_killed_server_is_told_of_and_waited_for(zookeeper: Server) -> None:
    async def play() -> float:
        async with connected(zookeeper.hosts) as owner:
            await owner.register(PS0)
            zookeeper.kill()
            await asyncio.sleep(SESSION_S + 1)
            began = time.monotonic()
            with pytest.raises(BackendUnreachable) as caught:
                await owner.heartbeat("ps-0")
            assert time.monotonic() - began < 0.5
            assert str(caught.value).startswith(
                f"Connection failed: ZooKeeper at {zookeeper.hosts} has not answered for "
            )
            await asyncio.to_thread(zookeeper.restart)
            return await until([PS0], owner, 2.0 + 0.5)

    asyncio.run(play())


def test_a_quick_restart_is_not_noticed(zookeeper: Server) -> None:
    async def play() -> None:
        async with connected(zookeeper.hosts, patience=Patience()) as owner:
            await owner.register(PS0)
            for _ in range(3):  # now and then one that starts takes a connection and never answers on it
                await asyncio.to_thread(zookeeper.restart)
                assert await owner.discover("ps") == [PS0]

    asyncio.run(play())


def test_a_wiped_server_is_told_of_in_time(zookeeper: Server) -> None:
    async def play() -> float:
        async with connected(zookeeper.hosts) as owner:
            for index in range(9):
                await owner.register(ServiceInfo.listed("worker", index, "h:1"))
            await owner.register(PS0)
            await asyncio.to_thread(zookeeper.wipe)
            began = time.monotonic()
            said = await complaint(lambda: owner.heartbeat("ps-0"), BackendWiped, 30.0)
            took = time.monotonic() - began
            assert said.startswith(f"ZooKeeper at {zookeeper.hosts} has lost what it knew")
            await until([PS0], owner, 2.0)
            return took

    print(f"told after {asyncio.run(play()):.1f} s")


def test_a_new_leader_is_found(three: Ensemble) -> None:
    async def play() -> float:
        async with connected(three.hosts) as owner, connected(three.hosts) as other:
            await owner.register(PS0)
            await until([PS0], other, 1.0)
            await asyncio.to_thread(three.leader.kill)
            await owner.register(ServiceInfo.listed("worker", 0, "h:1"))
            took = await until([PS0], other, 5.0)
            await asyncio.sleep(TOLERANCE * SESSION_S)
            assert await other.discover("ps") == [PS0]
            return took

    asyncio.run(play())


@pytest.mark.parametrize(
    ("direction", "within"),
    [
        ("output", TOLERANCE * SESSION_S),
        ("input", TOLERANCE * SESSION_S * 5 / 3),  # it goes on speaking until it notices that nobody answers
    ],
)
def test_a_cut_network_heals(tmp_path: Path, hold: Hold, direction: Direction, within: float) -> None:
    require("zookeeper", ensemble.missing())
    require("a network of namespaces", far_host.missing())

    async def play() -> float:
        async with connected(zookeeper.hosts) as other:
            await until([PS0], other, 1.0)
            far.cut(direction)
            await until([], other, within)
            await asyncio.sleep(SESSION_S)
            far.mend()
            return await until([PS0], other, 3.0 + 0.5)  # packets are sent again after 1, 2, 4 s

    with FarHost() as far, Server(tmp_path / "zookeeper", address=HERE) as zookeeper:
        hold(zookeeper, far.exec)
        print(f"registered again after {asyncio.run(play()):.2f} s")


def test_credentials_keep_others_away_and_are_not_shown(
    shared_zookeeper: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    logging.getLogger("monolith.discovery.zk_kazoo").setLevel(1)

    async def play(folder: str) -> list[str]:
        told = {who: get_zk_auth_data({"ZK_AUTH": f"job:{who}-s3cret"}) for who in ("right", "wrong")}
        clients = {who: ZooKeeper(shared_zookeeper.hosts, folder, auth=auth) for who, auth in told.items()}
        clients["none"] = ZooKeeper(shared_zookeeper.hosts, folder)
        said = []
        await clients["right"].connect()
        await clients["right"].register(PS0)
        for who in ("wrong", "none"):
            with pytest.raises(BackendFailed) as caught:
                await clients[who].connect()
            said.append(str(caught.value))
        assert await clients["right"].discover("ps") == [PS0]
        await clients["right"].disconnect()
        return said

    said = asyncio.run(play("/guarded/job"))
    refusal = "Internal error: ZK get_data failed: NoAuth (/guarded/job): is ZK_AUTH set, and right?"
    assert said == [refusal, refusal]
    assert "s3cret" not in "".join([*said, caplog.text, *capfd.readouterr()])


def test_a_platform_without_a_loop(shared_zookeeper: Server) -> None:
    """As who is given a config asks, where the original's processes of the same job are."""
    config = RunnerConfig(
        is_local=False, discovery_type="Zk", zk_server=shared_zookeeper.hosts, deep_insight_name="news"
    )
    mine, other = get_discovery(config, environ={}), get_discovery(config, environ={})
    assert mine
    assert other
    mine.register("ps", 0, PS0.address)
    mine.register("ps", 1, "h:1")
    assert other.query("ps") == {0: PS0.address, 1: "h:1"}
    mine.deregister("ps", 1, "h:1")
    assert other.query("ps") == {0: PS0.address}
    mine.close()
    mine.close()
    assert other.query("ps") == {}
    other.close()
    with pytest.raises(DiscoveryClosed, match=r"^ZkServiceDiscovery is closed$"):
        mine.query("ps")


def test_a_node_has_an_age(shared_zookeeper: Server) -> None:
    async def run() -> float | None:
        async with connected(shared_zookeeper.hosts) as backend:
            await backend.register(PS0)
            (info,) = await backend.discover("ps")
            return info.registered_at

    made_at = asyncio.run(run())
    assert made_at is not None
    assert abs(made_at - time.time()) < 60  # seconds since 1970, by the clock of the server
