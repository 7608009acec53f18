"""The ZooKeeper backend, over servers that are made up, on a clock that jumps."""

import asyncio
import logging

import pytest

from monolith.core.errors import (
    BackendFailed,
    BackendUnreachable,
    BackendWiped,
    DiscoveryClosed,
    DiscoveryMisconfigured,
    TakenOver,
)
from monolith.discovery.base import ServiceInfo
from monolith.discovery.blocking import Blocking
from monolith.discovery.zk_client import Node
from monolith.discovery.zk_connection import Patience
from monolith.discovery.zookeeper import ZooKeeper
from monolith.testing import virtual_time
from monolith.testing.fake_zookeeper import FakeZooKeeper
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.conformance.zookeeper import FakeZooKeeperWorld
from tests.upstream import vectors

ORIGINAL = (
    "zk_register_query_deregister",
    "zk_names_are_separate",
    "zk_periodic_registration_repairs_data",
    "zk_survives_session_loss",
)
SESSION_S = 4.0
PATH = "/monolith/news/ps.0"
PS0, MOVED = ServiceInfo.listed("ps", 0, "h:1"), ServiceInfo.listed("ps", 0, "h:2")


@pytest.mark.parametrize("name", LAWS)
def test_law(name, tmp_path):
    judge(FakeZooKeeperWorld(tmp_path), name)


@pytest.fixture
def server():
    return FakeZooKeeper(SESSION_S)


def client(server, line=None, session_s=SESSION_S, path="/monolith/news"):
    patience = Patience(session_s, answer_s=10.0)
    return ZooKeeper("zk:2181", path, patience=patience, make_client=(line or server.line()).client)


async def opened(server, **how):
    made = client(server, **how)
    await made.connect()
    return made


def play(coroutine):
    return virtual_time.run(coroutine)[0]


def owner(server):
    return server.nodes[PATH].owner


HARM = {
    "someone overwrites /monolith/<job>/ps.0": lambda server: _overwrite(server),
    "session lost": lambda server: (server.end(owner(server)), server.lines[0].drop()),
}


@pytest.mark.parametrize("vector", vectors("service_discovery", *ORIGINAL))
def test_what_the_original_promises(server, vector):
    async def run():
        made, answers = await opened(server), []
        for operation, *told in vector["given"]["calls"]:
            match operation:
                case "register":
                    await made.register(ServiceInfo.listed(*told))
                case "deregister":
                    await made.deregister(f"{told[0]}-{told[1]}")
                case "query":
                    answers.append({str(info.index): info.address for info in await made.discover(told[0])})
                case "wait" | "connected":
                    await asyncio.sleep(2.0)
                case _:
                    HARM[operation](server)
        return answers

    assert play(run()) == vector["expect"]["queries"]
    assert vector["expect"].get("znode", PATH).replace("<job>", "news") == PATH


@pytest.mark.parametrize(
    ("hosts", "path", "said"),
    [
        ("zk:x", "/a", "invalid hosts: invalid port"),
        ("zk:1", "a", "invalid base_path: path must start with /"),
        ("", "", "invalid hosts: empty hosts"),
    ],
)
@pytest.mark.parametrize("operation", ["connect", "watch_service"])
def test_what_cannot_be_is_not_tried(hosts, path, said, operation):
    def never(*_):
        raise AssertionError("tried")

    made = ZooKeeper(hosts, path, make_client=never)
    calls = {"connect": made.connect, "watch_service": made.watch("ps").__aenter__}
    with pytest.raises(DiscoveryMisconfigured) as caught:
        asyncio.run(calls[operation]())
    assert str(caught.value) == f"Configuration error: ZooKeeper {operation} {said}"


def test_nobody_answers(server):
    server.stop()
    with pytest.raises(BackendUnreachable) as caught:
        play(opened(server))
    said = "ZK connect failed: no answer from ZooKeeper at zk:2181 within 10 s"
    assert str(caught.value) == f"Connection failed: {said}"


def test_folders_are_made(server):
    async def run():
        made = await opened(server)
        await made.disconnect()

    play(run())
    assert set(server.nodes) == {"/", "/monolith", "/monolith/news"}


def test_a_predecessors_node_is_made_anew(server):
    """One that was merely written to would end with the session of the dead."""

    async def run():
        line = server.line()
        dead = await opened(server, line=line)
        await dead.register(PS0)
        line.cut()
        before = owner(server)
        alive = await opened(server)
        await alive.register(PS0)
        assert owner(server) != before
        await asyncio.sleep(2 * SESSION_S)
        return await alive.discover("ps")

    assert play(run()) == [PS0]


def test_a_lost_session_registers_again(server):
    async def run():
        made = await opened(server)
        await made.register(PS0)
        server.end(owner(server))
        server.lines[0].drop()
        await asyncio.sleep(2.0)
        return await made.discover("ps")

    assert play(run()) == [PS0]


def _overwrite(server):
    server.write(PATH, Node(b"h:9", 1, owner(server)))


def _remove(server):
    server.write(PATH, None)


def _remove_with_folder(server):
    del server.nodes["/monolith/news"]
    server.write(PATH, None)


@pytest.mark.parametrize("harm", [_overwrite, _remove, _remove_with_folder])
def test_what_others_do_to_a_node_is_undone(server, harm):
    async def run():
        made = await opened(server)
        await made.register(PS0)
        harm(server)
        await asyncio.sleep(0.1)
        return await made.discover("ps")

    assert play(run()) == [PS0]


def test_a_short_outage_is_waited_out(server):
    async def run():
        made = await opened(server)
        await made.register(PS0)
        before = owner(server)
        server.stop()
        asking = asyncio.ensure_future(made.discover("ps"))
        await asyncio.sleep(SESSION_S / 2)
        server.start()
        return await asking, before == owner(server)

    assert play(run()) == ([PS0], True)


def test_a_long_outage_is_told_at_once(server):
    async def run():
        made = await opened(server)
        await made.register(PS0)
        server.stop()
        await asyncio.sleep(SESSION_S + 1)
        async with asyncio.timeout(0.1):
            with pytest.raises(BackendUnreachable) as caught:
                await made.heartbeat("ps-0")
        server.start()
        await asyncio.sleep(2.0)
        await made.heartbeat("ps-0")
        return str(caught.value), await made.discover("ps")

    said, found = play(run())
    assert said == (
        "Connection failed: ZooKeeper at zk:2181 has not answered for 5 s; "
        "what was registered is lost until it does"
    )
    assert found == [PS0]


def test_one_question_waits_no_longer_than_its_budget(server):
    async def run():
        made = await opened(server, session_s=30.0)
        server.stop()
        await made.discover("ps")

    with pytest.raises(BackendUnreachable) as caught:
        play(run())
    said = "ZK list_children failed: no answer from ZooKeeper at zk:2181 within 10 s"
    assert str(caught.value) == f"Connection failed: {said}"


@pytest.mark.parametrize("session_s", [SESSION_S, 30.0, 600.0])
def test_a_wiped_server_is_told_within_half_a_minute(server, session_s, caplog):
    async def run():
        made = await opened(server, session_s=session_s)
        for index in range(9):
            await made.register(ServiceInfo.listed("ps", index, "h:1"))
        server.stop()
        server.wipe()
        server.start()
        before = asyncio.get_running_loop().time()
        said = await told_by_heartbeat(made, BackendWiped)
        within = asyncio.get_running_loop().time() - before
        await made.heartbeat("ps-0")
        return said, within, len(await made.discover("ps"))

    said, within, found = play(run())
    assert said.startswith("ZooKeeper at zk:2181 has lost what it knew: its newest change is 0x")
    assert said in caplog.text
    assert within < 30
    assert found == 9


async def told_by_heartbeat(made, kind):
    async with asyncio.timeout(100):
        while True:
            try:
                await made.heartbeat("ps-0")
            except kind as exc:
                return str(exc)
            except BackendUnreachable:
                pass
            await asyncio.sleep(0.5)


def test_who_is_replaced_is_told_and_yields(server, caplog):
    async def run():
        first, second = await opened(server), await opened(server)
        await first.register(PS0)
        await second.register(MOVED)
        with pytest.raises(TakenOver) as caught:
            await first.heartbeat("ps-0")
        await asyncio.sleep(10 * SESSION_S)
        return str(caught.value), await first.discover("ps")

    said, found = play(run())
    assert said == "ps-0 was replaced by another process, at h:2: give each process an index of its own"
    assert (said in caplog.text, found) == (True, [MOVED])


def test_of_two_that_come_at_once_one_stays(server):
    async def run():
        both = [await opened(server), await opened(server)]
        results = await asyncio.gather(
            *(one.register(info) for one, info in zip(both, [PS0, MOVED], strict=True)),
            return_exceptions=True,
        )
        await asyncio.sleep(SESSION_S)
        return results, await both[0].discover("ps")

    results, found = play(run())
    assert found in ([PS0], [MOVED])
    assert all(result is None or isinstance(result, TakenOver) for result in results)


def test_who_was_replaced_comes_back_when_the_other_goes(server):
    async def run():
        first, second = await opened(server), await opened(server)
        await first.register(PS0)
        await second.register(MOVED)
        await second.deregister("ps-0")
        await asyncio.sleep(0.1)
        return await second.discover("ps")

    assert play(run()) == [PS0]


def test_what_could_not_be_taken_away_goes_later(server):
    async def run():
        made, other = await opened(server), await opened(server)
        await made.register(PS0)
        server.stop()
        await asyncio.sleep(SESSION_S + 1)
        with pytest.raises(BackendUnreachable):
            await made.deregister("ps-0")
        server.start()
        await asyncio.sleep(2.0)
        return await other.discover("ps")

    assert play(run()) == []


@pytest.mark.parametrize(
    ("operation", "path", "said"),
    [
        ("register", PATH, f"get_data failed: NoAuth ({PATH}): is ZK_AUTH set, and right?"),
        (
            "discover",
            "/monolith/news",
            "list_children failed: NoAuth (/monolith/news): is ZK_AUTH set, and right?",
        ),
    ],
)
def test_a_refusal_is_told(server, operation, path, said):
    async def run():
        made = await opened(server)
        server.forbidden.add(path)
        await {"register": lambda: made.register(PS0), "discover": lambda: made.discover("ps")}[operation]()

    with pytest.raises(BackendFailed) as caught:
        play(run())
    assert str(caught.value) == f"Internal error: ZK {said}"


def test_a_failed_connect_leaves_nothing(server):
    async def run():
        server.forbidden.add("/monolith")
        with pytest.raises(BackendFailed):
            await opened(server)
        server.forbidden.clear()
        assert server.sessions == {}
        return await (await opened(server)).discover("ps")

    assert play(run()) == []


def test_who_asks_while_it_closes_is_told(server):
    async def run():
        made = await opened(server)
        server.stop()
        asking = asyncio.ensure_future(made.discover("ps"))
        await asyncio.sleep(0.1)
        await made.disconnect()
        await asking

    with pytest.raises(BackendUnreachable, match=r"^Connection failed: ZK client not connected$"):
        play(run())


PLATFORM_CALLS = {
    "register": lambda platform: platform.register("ps", 0, "h:1"),
    "deregister": lambda platform: platform.deregister("ps", 0, "h:1"),
    "query": lambda platform: platform.query("ps"),
}


def test_a_platform_ends_its_session(server):
    platform = Blocking("zk", client(server))
    for call in PLATFORM_CALLS.values():
        call(platform)
    assert len(server.sessions) == 1
    platform.close()
    platform.close()
    assert server.sessions == {}


@pytest.mark.parametrize("call", PLATFORM_CALLS.values(), ids=PLATFORM_CALLS)
def test_a_closed_platform_refuses(server, call):
    platform = Blocking("zk", client(server))
    platform.close()
    with pytest.raises(DiscoveryClosed, match=r"^ZkServiceDiscovery is closed$"):
        call(platform)


def test_each_turn_is_logged_once(server, caplog):
    caplog.set_level(logging.INFO, "monolith.discovery")

    async def run():
        await (await opened(server)).register(PS0)
        server.stop()
        await asyncio.sleep(60.0)
        server.start()
        await asyncio.sleep(2.0)

    play(run())
    assert caplog.messages == [
        "ZooKeeper at zk:2181: connected",
        "ZooKeeper at zk:2181: suspended",
        "ZooKeeper at zk:2181 has not answered for 4 s; what was registered is lost until it does",
        "ZooKeeper at zk:2181: connected",
    ]


def test_anybodys_node_can_be_taken_away(server):
    """That of a living one comes back: it looks after it."""

    async def run():
        owner, other = await opened(server), await opened(server)
        await owner.register(MOVED)
        for index in range(2):
            server.plant(f"/monolith/news/old.{index}", "h:1")
        for info in [*await other.discover("old"), MOVED]:
            await other.expel(info)
            await other.expel(info)
        await asyncio.sleep(1.0)
        return await other.discover("old"), await other.discover("ps")

    assert play(run()) == ([], [MOVED])
