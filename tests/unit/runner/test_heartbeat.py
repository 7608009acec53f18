"""Signs of life: when they come, what does not end them, and what does."""

import asyncio
import contextlib

import pytest

from monolith.runner.heartbeat import Heartbeat
from monolith.testing import virtual_time

INTERVAL_S = 10.0


class Agent:
    """Notes when it was told, and then does as `after` does."""

    def __init__(self, after: BaseException | None = None, hangs_s: float = 0.0) -> None:
        self.beats: list[float] = []
        self._after, self._hangs_s = after, hangs_s

    async def beat(self) -> None:
        self.beats.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._hangs_s)
        if self._after:
            raise self._after


def live(agent: Agent, seconds: float) -> float:
    """Beat for `seconds`; when it had stopped."""

    async def main() -> None:
        heartbeat = Heartbeat(agent.beat, INTERVAL_S)
        heartbeat.start()
        await asyncio.sleep(seconds)
        await heartbeat.stop()
        await asyncio.sleep(INTERVAL_S * 2)

    return virtual_time.run(main())[1] - INTERVAL_S * 2


def test_beats_after_each_whole_interval() -> None:
    agent = Agent()
    assert live(agent, 35.0) == 35.0
    assert agent.beats == [10.0, 20.0, 30.0]


@pytest.mark.parametrize("failing", [OSError("no agent"), asyncio.CancelledError()], ids=repr)
def test_a_beat_that_fails_is_not_the_last(failing: BaseException) -> None:
    agent = Agent(after=failing)
    live(agent, 25.0)
    assert agent.beats == [10.0, 20.0]


def test_a_beat_that_hangs_ends_at_once() -> None:
    agent = Agent(hangs_s=10**6)
    assert live(agent, 25.0) == 25.0
    assert agent.beats == [10.0]


def test_a_beat_that_will_not_end_is_the_last(caplog: pytest.LogCaptureFixture) -> None:
    beats = []

    async def main() -> None:
        heartbeat = Heartbeat(stubborn, INTERVAL_S)
        heartbeat.start()
        await asyncio.sleep(15.0)
        await heartbeat.stop()
        beats.append(asyncio.get_running_loop().time())
        await asyncio.sleep(INTERVAL_S * 5)

    async def stubborn() -> None:
        beats.append(asyncio.get_running_loop().time())
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(INTERVAL_S)
        await asyncio.sleep(1.0)

    virtual_time.run(main())
    assert beats == [10.0, 15.1]
    assert caplog.messages == ["Heartbeat task did not stop promptly; forced abort"]


def test_what_never_began_is_stopped_at_once() -> None:
    assert virtual_time.run(Heartbeat(Agent().beat, INTERVAL_S).stop())[1] == 0.0
