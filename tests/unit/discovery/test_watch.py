"""Watching: what a reader is told, and when the looking ends. The clock is virtual."""

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import BackendFailed, ConfigError, DiscoveryClosed, DiscoveryMisconfigured
from monolith.discovery.base import Backend, ServiceInfo
from monolith.discovery.watch import Added, Removed, Updated, Watches, changes, polled
from monolith.testing import virtual_time

PS0, PS1 = (ServiceInfo.listed("ps", index, "h:1") for index in range(2))
MOVED = ServiceInfo.listed("ps", 0, "h:2")


class Scripted(Backend):
    """Each look gives the next of `answers`, or raises it; the last one for ever."""

    def __init__(self, *answers):
        super().__init__(poll_s=1.0)
        self.answers = list(answers)
        self.looks = []

    async def _discover(self, service_type):
        self.looks.append((asyncio.get_running_loop().time(), service_type))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _register(self, info): ...
    async def _deregister(self, service_id): ...


async def opened(backend):
    await backend.connect()
    return backend


def read(backend, count):
    """The first `count` events of a watch, and the time that they took."""

    async def play():
        async with (await opened(backend)).watch("ps") as events:
            return [await anext(events) for _ in range(count)]

    return virtual_time.run(play())


def test_it_begins_with_who_is_there():
    assert read(Scripted([PS0, PS1]), 2) == ([Added(PS0), Added(PS1)], 0.0)


def test_then_tells_what_changes():
    backend = Scripted([PS0], [MOVED, PS1], [MOVED, PS1], [PS1])
    assert read(backend, 4) == ([Added(PS0), Updated(MOVED), Added(PS1), Removed("ps-0")], 3.0)


states = st.dictionaries(st.sampled_from("abc"), st.sampled_from([PS0, PS1, MOVED]))


@given(states, states)
def test_events_make_one_state_of_another(before, after):
    state = dict(before)
    events = list(changes(before, after))
    for event in events:
        if isinstance(event, Removed):
            del state[event.service_id]
    told = [event.info for event in events if not isinstance(event, Removed)]
    assert told == [info for name, info in after.items() if before.get(name) != info]
    assert set(state) == set(before) & set(after)


def test_a_slow_reader_gets_the_difference():
    """Three looks passed while it slept: what came and went meanwhile, it never hears of."""

    async def play():
        async with (await opened(Scripted([PS0], [PS0, PS1], [MOVED], [MOVED]))).watch("ps") as events:
            first = await anext(events)
            await asyncio.sleep(10)
            return [first, await anext(events)]

    assert virtual_time.run(play())[0] == [Added(PS0), Updated(MOVED)]


def test_a_reader_may_be_impatient():
    """Who gives up waiting for an event can ask for it again."""

    async def play():
        async with (await opened(Scripted([], [], [PS0]))).watch("ps") as events:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.5)
            return await anext(events)

    assert virtual_time.run(play())[0] == Added(PS0)


def test_readers_share_one_loop():
    """Also the one who comes later, who is told all the same who is there."""
    backend = Scripted([PS0])

    async def play():
        await opened(backend)
        async with backend.watch("ps") as first:
            await anext(first)
            await asyncio.sleep(1.5)
            async with backend.watch("ps") as second:
                assert await anext(second) == Added(PS0)
            await asyncio.sleep(1)

    virtual_time.run(play())
    assert backend.looks == [(0.0, "ps"), (1.0, "ps"), (2.0, "ps")]


def test_it_stops_with_its_last_reader():
    backend = Scripted([PS0])

    async def play():
        await opened(backend)
        for _ in range(2):
            async with AsyncExitStack() as stack:
                for service_type in ("ps", "worker", "ps"):
                    await anext(await stack.enter_async_context(backend.watch(service_type)))
            await asyncio.sleep(10)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert virtual_time.run(play()) == (set(), 20.0)
    assert [service_type for _, service_type in backend.looks] == ["ps", "worker"] * 2


def test_disconnecting_ends_it():
    async def play():
        backend = await opened(Scripted([PS0]))
        async with backend.watch("ps") as first, backend.watch("ps") as second:
            await backend.disconnect()
            for events in (first, second):
                with pytest.raises(DiscoveryClosed, match=r"^Scripted was disconnected$"):
                    await anext(events)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert virtual_time.run(play())[0] == set()


def test_a_closed_backend_is_not_watched():
    async def play():
        async with Scripted([PS0]).watch("ps"):
            pass

    with pytest.raises(DiscoveryClosed, match=r"^cannot watch ps: Scripted is not connected$"):
        virtual_time.run(play())


def test_it_outlives_failures(caplog):
    """What was known stays known, and the same complaint is heard once."""
    failure, other = BackendFailed("no disk"), BackendFailed("no folder")
    events, took = read(Scripted([PS0], failure, failure, other, [PS0], failure, [PS0, PS1]), 2)
    assert (events, took) == ([Added(PS0), Added(PS1)], 6.0)
    said = "Watch of ps goes on with what it knew: Internal error: no "
    assert caplog.messages == [said + what for what in ("disk", "folder", "disk")]


@pytest.mark.parametrize("misuse", [ConfigError(["bad"]), DiscoveryMisconfigured("bad")])
def test_misuse_ends_it(misuse):
    async def play():
        backend = await opened(Scripted([PS0], misuse, [PS1]))
        async with backend.watch("ps") as events:
            assert await anext(events) == Added(PS0)
            for _ in range(2):
                with pytest.raises(type(misuse)) as caught:
                    await anext(events)
        async with backend.watch("ps") as anew:
            return caught.value, await anext(anew)

    assert virtual_time.run(play())[0] == (misuse, Added(PS1))


def test_looks_are_closed_with_the_watch():
    """A backend that is told of changes may let go of what tells it."""
    closed = []

    async def looks(service_type):
        try:
            yield [PS0]
            await asyncio.Event().wait()
        finally:
            closed.append(service_type)

    async def play():
        async with Watches(looks).reader("ps") as events:
            return await anext(events)

    assert virtual_time.run(play())[0] == Added(PS0)
    assert closed == ["ps"]


def test_six_coroutines_are_enough_to_look():
    async def play():
        backend = await opened(Scripted([PS0], [PS1]))
        async with aclosing(polled(backend, "ps", 2.0)) as looks:
            return [await anext(looks), await anext(looks)]

    assert virtual_time.run(play()) == ([[PS0], [PS1]], 2.0)


def test_one_may_come_while_the_last_one_leaves():
    """The loop that is ending is not the newcomer's."""

    async def looks(_service_type):
        try:
            yield [PS0]
            await asyncio.sleep(1)
            yield [PS0, PS1]
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)

    watches = Watches(looks)

    async def leave():
        async with watches.reader("ps") as events:
            await anext(events)

    async def play():
        leaving = asyncio.ensure_future(leave())
        await asyncio.sleep(0.01)
        async with watches.reader("ps") as events:
            await leaving
            return [await asyncio.wait_for(anext(events), 5.0) for _ in range(2)]

    assert virtual_time.run(play())[0] == [Added(PS0), Added(PS1)]
