"""The stock agent: what is asked of it, and what becomes of its answers. The clock is virtual."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import pytest

from monolith.core.errors import (
    BackendFailed,
    DiscoveryClosed,
    DiscoveryMisconfigured,
    LookupMalformed,
    MissingExtra,
    OperationTimedOut,
    TakenOver,
)
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul import WAIT_S, Consul
from monolith.discovery.watch import Added
from monolith.testing import virtual_time
from monolith.testing.fake_consul import FakeConsul
from monolith.testing.http_server import HttpServer, Line, Said, Wire
from tests.conformance.consul import FakeConsulWorld
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS

PS0, PS1 = (ServiceInfo.listed("ps", index, f"10.0.0.{index}:1") for index in range(2))
URL = "http://127.0.0.1:8500"


class Saying(HttpServer):
    """Says the same to everything."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    async def answer(self, asked):
        return self.said


@asynccontextmanager
async def connected(agent, **how):
    wire = agent if isinstance(agent, Wire) else Wire(agent)
    client = Consul("", transport=wire, **how)
    await client.connect()
    yield client
    await client.disconnect()


def play(agent, doing, **how):
    """What `doing` makes of a connected client, and the time that it took."""

    async def run():
        async with connected(agent, **how) as client:
            return await doing(client)

    return virtual_time.run(run())


@pytest.mark.parametrize("name", LAWS)
def test_law(name, tmp_path):
    judge(FakeConsulWorld(tmp_path), name)


OPERATIONS = {
    "register_entity": lambda client: client.register(PS0),
    "get_service_nodes": lambda client: client.discover("ps"),
}


def asked(agent, path):
    return [one for one in agent.asked if one.path.startswith(path)]


def test_a_registration_says_all():
    agent = FakeConsul()
    info = ServiceInfo("ps-0", "first", "my_ps", "::1", 50051, {"index": "3", "addr": "x", "more": "é"})
    play(agent, lambda client: client.register(info), service_name="job", owner="me", clock=lambda: 12.5)
    (said,) = asked(agent, "/v1/agent/service/register")
    assert said.params == {"replace-existing-checks": ["true"]}
    assert json.loads(said.body) == {
        "ID": "job:ps-0",
        "Name": "job",
        "Tags": ["name:my_ps", "index:3", "ip:::1"],
        "Address": "::1",
        "Port": 50051,
        "Meta": {
            "id": "ps-0",
            "name": "first",
            "owner": "me",
            "registered_at": "12.500",
            "metadata-0": '{"more": "\\u00e9"}',
        },
        "Check": {
            "CheckID": "job:ps-0:me",
            "TTL": "30.000s",
            "Status": "passing",
            "DeregisterCriticalServiceAfter": "3600s",
        },
    }


@pytest.mark.parametrize("call", OPERATIONS, ids=str)
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said(500, "No cluster leader\n"), "HTTP 500: No cluster leader"),
        (Said(404), "HTTP 404: nothing said"),
        (Said(403, "ACL not found"), "HTTP 403: ACL not found; is CONSUL_HTTP_TOKEN right?"),
        (Said(301, "moved"), "HTTP 301: moved"),
    ],
)
def test_a_refusal_is_told(call, said, why):
    with pytest.raises(BackendFailed) as caught:
        play(Saying(said), OPERATIONS[call], token="s3cret")
    assert str(caught.value) == f"Internal error: Consul {call} failed: {why}"


@pytest.mark.parametrize("call", OPERATIONS, ids=str)
def test_who_is_not_there_is_told(call):
    wire = Wire(FakeConsul())
    wire.line = Line.REFUSED
    with pytest.raises(BackendFailed) as caught:
        play(wire, OPERATIONS[call])
    why = f"{URL} cannot be reached: Connection refused"
    assert str(caught.value) == f"Internal error: Consul {call} failed: {why}"


@pytest.mark.parametrize("call", OPERATIONS, ids=str)
def test_silence_is_not_waited_out(call):
    wire = Wire(FakeConsul())
    wire.line = Line.SILENT
    with pytest.raises(OperationTimedOut, match=f"Consul {call} at {URL} after 2500ms"):
        play(wire, OPERATIONS[call], timeout_s=2.5)


def test_what_is_no_json_is_told():
    with pytest.raises(BackendFailed, match="Consul get_service_nodes failed: invalid JSON: "):
        play(Saying(Said(200, "<html>")), OPERATIONS["get_service_nodes"])


async def lost_and(agent, client, call):
    """Do `call` once the agent, which knows of ps-0, has lost its servers."""
    await client.register(PS0)
    agent.lose_servers()
    await call(client)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (
            lambda client: client.register(PS1),
            "register_entity failed: ps-1 does not show up in the catalogue",
        ),
        (
            lambda client: client.deregister("ps-0"),
            "deregister_entity failed: ps-0 does not leave the catalogue",
        ),
    ],
    ids=["register", "deregister"],
)
def test_the_catalogue_must_follow(call, why):
    agent = FakeConsul()
    with pytest.raises(BackendFailed, match=f"{why} within 5 s, though the agent took it"):
        play(agent, lambda client: lost_and(agent, client, call))


@pytest.mark.parametrize("ttl_s", [3.0, None], ids=["with a check", "without"])
def test_a_forgetful_agent_is_told_again(ttl_s):
    agent = FakeConsul()

    async def doing(client):
        await client.register(PS0)
        agent.forget()
        assert await client.discover("ps") == []
        await client.heartbeat("ps-0")
        return await client.discover("ps")

    assert play(agent, doing, ttl_s=ttl_s)[0] == [PS0]


@pytest.mark.parametrize("ttl_s", [3.0, None], ids=["with a check", "without"])
def test_the_replaced_stays_replaced(ttl_s):
    agent = FakeConsul()
    moved = ServiceInfo.listed("ps", 0, "10.0.0.9:1")

    async def doing(client):
        await client.register(PS0)
        async with connected(agent) as successor:
            await successor.register(moved)
            with pytest.raises(TakenOver, match=r"^ps-0 was replaced by another process, at 10\.0\.0\.9:1"):
                await client.heartbeat("ps-0")
            return await successor.discover("ps")

    assert play(agent, doing, ttl_s=ttl_s)[0] == [moved]


def test_a_goodbye_spares_the_successor():
    """Also for the moment until its next sign of life."""
    agent = FakeConsul()
    moved = ServiceInfo.listed("ps", 0, "10.0.0.9:1")

    async def doing(client):
        await client.register(PS0)
        async with connected(agent) as successor:
            await successor.register(moved)
            await client.deregister("ps-0")
            return await successor.discover("ps")

    assert play(agent, doing)[0] == [moved]


def test_a_refused_sign_of_life_is_told():
    agent = FakeConsul()

    async def doing(client):
        await client.register(PS0)
        agent._token = "changed"
        await client.heartbeat("ps-0")

    with pytest.raises(
        BackendFailed, match=r"^Internal error: Consul heartbeat failed: HTTP 403: ACL not found"
    ):
        play(agent, doing, token="s3cret")


def test_signs_of_life_end_with_deregister():
    agent = FakeConsul()

    async def doing(client):
        await client.register(PS0)
        await client.deregister("ps-0")
        before = len(agent.asked)
        await client.heartbeat("ps-0")
        return len(agent.asked) - before

    assert play(agent, doing)[0] == 0


def test_who_was_forgotten_can_leave():
    """The agent restarted at the last moment: there is nothing to take away, and nothing wrong."""
    agent = FakeConsul()

    async def doing(client):
        await client.register(PS0)
        agent.forget()
        await client.deregister("ps-0")

    play(agent, doing)


def test_watching_costs_nothing_while_nothing_happens():
    agent = FakeConsul()

    async def doing(client):
        async with client.watch("ps") as events:
            await client.register(PS0)
            first = await anext(events)
            agent.asked.clear()
            await asyncio.sleep(10 * WAIT_S)
            return first

    assert play(agent, doing, ttl_s=None)[0] == Added(PS0)
    assert 9 <= len(agent.asked) <= 11
    assert all(one.param("wait") == "30s" and one.param("index") for one in agent.asked)


def test_who_gives_no_index_is_not_overrun():
    agent = Saying(Said(200, "[]"))

    async def doing(client):
        async with client.watch("ps"):
            await asyncio.sleep(10)

    play(agent, doing)
    assert len(agent.asked) <= 11


def test_a_mistyped_address_is_told_by_all():
    client = Consul("http://agent:8500/v1")
    calls = {
        "connect": client.connect,
        "register_entity": lambda: client.register(PS0),
        "get_service_nodes": lambda: client.discover("ps"),
        "watch_service": lambda: client.watch("ps").__aenter__(),
        "deregister_entity": lambda: client.deregister("ps-0"),
    }
    for operation, call in calls.items():
        with pytest.raises(DiscoveryMisconfigured) as caught:
            virtual_time.run(call())
        said = f"Configuration error: Consul {operation} invalid address: path is not allowed"
        assert str(caught.value) == said


@pytest.mark.parametrize("token", ["s3cret\nX-Evil: 1", "s3crét"])
def test_a_token_is_never_shown(token):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        virtual_time.run(Consul("", token=token).connect())
    assert "s3cr" not in str(caught.value)


def test_closing_ends_a_question():
    async def run():
        async with connected(FakeConsul()) as client:
            await client.register(PS0)
            async with client._changing["ps-0"]:
                beat = asyncio.ensure_future(client.heartbeat("ps-0"))
                await asyncio.sleep(0)
                await client.disconnect()
            await beat

    with pytest.raises(DiscoveryClosed, match=r"^Consul heartbeat: disconnected meanwhile$"):
        virtual_time.run(run())


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"^Consul needs an optional library: .*\[consul\]'$"):
        virtual_time.run(Consul("").connect())


def test_an_entry_that_is_none_is_named():
    agent = FakeConsul()

    async def doing(client):
        await client.register(PS0)
        await client.register(PS1)
        agent._services["monolith:ps-1"].told["Port"] = 0
        await client.discover("ps")

    with pytest.raises(LookupMalformed, match=r"^Malformed consul lookup response at entry 1: missing Port$"):
        play(agent, doing)
