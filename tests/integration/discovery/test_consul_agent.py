"""Every law on a real Consul agent, which also answers as it did when it was recorded."""

import asyncio
import signal
import time
from contextlib import asynccontextmanager

import pytest

from monolith.core.errors import BackendFailed, OperationTimedOut
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul import Consul
from tests.conformance.consul import Process, RealConsulWorld
from tests.conformance.consul_exchanges import SCRIPTS, TOKEN, meant, recorded
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.integration.discovery.consul_agent import Agent, missing
from tests.integration.discovery.record_consul import asked, token_of
from tests.requirements import require

PS0 = ServiceInfo.listed("ps", 0, "10.0.0.1:50051")


@pytest.fixture
def agent(tmp_path):
    """Makes an agent, which is started, of what is said of it."""
    require("consul", missing())
    made = []

    def make(**how):
        made.append(Agent(tmp_path, **how))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.kill()


@asynccontextmanager
async def connected(kind, agent, **how):
    client = kind(agent.url, **how)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


@pytest.mark.parametrize("name", LAWS)
def test_law(name, tmp_path):
    require("consul", missing())
    # One process that gives the signs of life of a thousand does not come round in a second.
    world = RealConsulWorld(tmp_path, ttl_s=60.0 if name == "a_thousand_are_found" else 1.0)
    try:
        judge(world, name)
    finally:
        world.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_answers_as_recorded(agent, script):
    answers = asked(agent(token=token_of(script)), script)
    for step, answer, before in zip(SCRIPTS[script], meant(answers), meant(recorded(script)), strict=True):
        assert answer == before, step


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "HTTP 403: Permission denied: Missing service:write on monolith; is CONSUL_HTTP_TOKEN right?"),
        ("wrong", "HTTP 403: ACL not found; is CONSUL_HTTP_TOKEN right?"),
    ],
)
def test_a_wrong_token_is_told(agent, token, said):
    async def play():
        async with connected(Consul, there, token=token) as client:
            await client.register(PS0)

    there = agent(token=TOKEN)
    with pytest.raises(BackendFailed) as caught:
        asyncio.run(play())
    assert str(caught.value) == f"Internal error: Consul register_entity failed: {said}"


def test_a_right_token_opens(agent):
    async def play():
        async with connected(Consul, there, token=TOKEN) as client:
            await client.register(PS0)
            return await client.discover("ps")

    there = agent(token=TOKEN)
    assert asyncio.run(play()) == [PS0]


def test_a_frozen_agent_is_told_in_time(agent):
    async def play():
        async with connected(Consul, there, timeout_s=0.5) as client:
            await client.register(PS0)
            there.signal(signal.SIGSTOP)
            try:
                with pytest.raises(OperationTimedOut, match=r"Consul get_service_nodes at .* after 500ms"):
                    await client.discover("ps")
            finally:
                there.signal(signal.SIGCONT)
            return await client.discover("ps")

    there = agent()
    assert asyncio.run(play()) == [PS0]


def test_news_come_at_once(agent):
    """Far sooner than by polling each second."""

    async def play():
        async with (
            connected(Process, there, ttl_s=5.0) as mine,
            connected(Consul, there) as other,
            other.watch("ps") as events,
        ):
            news = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.5)  # until it waits
            before = time.monotonic()
            await mine.register(PS0)
            await asyncio.wait_for(news, 10)
            return time.monotonic() - before

    there = agent()
    took_s = asyncio.run(play())
    print(f"told after {took_s * 1000:.0f} ms")
    assert took_s < 0.8
