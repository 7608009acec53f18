"""Serving processes that register are pushed to, those that are gone for good are not. In virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from monolith.core.endpoint import Endpoint
from monolith.core.errors import BackendFailed
from monolith.discovery.base import ServiceInfo
from monolith.discovery.memory import InMemory
from monolith.sync.follower import MODEL, Follower, Quarry
from monolith.testing import virtual_time
from monolith.testing.faulty_discovery import Fault, FaultyDiscovery
from tests.unit.sync.job import Job, intervals

SEEN_S = 1.5  # a poll, and a push


def replica(number: int, host: str | None = None, **more: str) -> ServiceInfo:
    info = ServiceInfo.listed("serving", number, f"{host or f'h{number}'}:80")
    return ServiceInfo(info.id, info.name, "serving", info.host, info.port, {**info.metadata, **more})


class Site:
    """A job whose targets are found on a board; replicas h0, h1, … can be reached there."""

    def __init__(self, targets: int = 0, *, reachable: int = 3) -> None:
        self.board: dict[str, ServiceInfo] = {}
        self.job = Job(targets, reachable=reachable)
        self.discovery = InMemory(self.board)
        self.quarry = Quarry(model_name="ctr")

    def come(self, *infos: ServiceInfo) -> None:
        self.board.update({info.id: info for info in infos})

    def go(self, *infos: ServiceInfo) -> None:
        for info in infos:
            del self.board[info.id]

    def rows(self, number: int) -> list[int]:
        return sorted(self.job.links[number].receiver.rows.get("a", {}))

    @property
    def pushed_to(self) -> set[str]:
        return set(self.job.replicator.pushed())

    def run(self, story: Callable[[Site], Awaitable[None]]) -> None:
        async def told(_: Job) -> None:
            follower = Follower(self.discovery, self.job.replicator, self.quarry)
            follower.start()
            await story(self)
            await follower.stop()

        self.job.run(told)


def test_who_comes_is_sent_everything() -> None:
    async def story(site: Site) -> None:
        site.job.learn(1, 2)
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)
        site.come(replica(1))
        site.job.learn(3)
        await asyncio.sleep(SEEN_S)
        assert (site.rows(0), site.rows(1)) == ([1, 2, 3], [1, 2, 3])

    Site().run(story)


def test_who_is_gone_for_good_is_dropped_and_costs_nothing() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0), replica(1))
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        site.go(replica(0))
        await asyncio.sleep(site.quarry.forget_s - 1)
        assert site.pushed_to == {"http://h0:80", "http://h1:80"}
        await asyncio.sleep(3)
        assert site.pushed_to == {"http://h1:80"}
        assert site.job.links[0].closed
        assert len(site.job.tables["a"].journal()._readers) == 1
        site.job.learn(2)
        await intervals()
        assert (site.rows(0), site.rows(1)) == ([1], [1, 2])

    Site().run(story)


def test_who_returns_in_time_goes_on_where_it_was() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        site.go(replica(0))
        site.job.links[0].broken = "ParameterSync connect failed: refused"
        await asyncio.sleep(site.quarry.forget_s / 2)
        site.job.learn(2)
        site.job.links[0].broken = None
        site.come(replica(0))
        await asyncio.sleep(site.quarry.forget_s + 10)
        assert site.rows(0) == [1, 2]
        assert site.job.replicator.pushed()["http://h0:80"].wholes == 1

    Site().run(story)


def test_who_returns_late_is_sent_everything(caplog: pytest.LogCaptureFixture) -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        site.go(replica(0))
        await asyncio.sleep(site.quarry.forget_s + 5)
        site.job.learn(2)
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)
        assert site.rows(0) == [1, 2]

    Site().run(story)
    assert "upstream" not in caplog.text


def test_one_replica_under_two_names_misses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """One name is pushed to, and the other is refused, and that is said."""

    async def story(site: Site) -> None:
        named, found = site.job.links[:2]
        found.receiver = named.receiver
        site.job.learn(*range(50))
        await asyncio.sleep(30)
        site.come(replica(1))
        await asyncio.sleep(SEEN_S)
        named.broken = "ParameterSync connect failed: no such host"
        for number in range(100):
            site.job.learn(number)
            await intervals(0.4)
        named.broken = None
        for number in range(100, 200):
            site.job.learn(number)
            await intervals(0.4)
        await asyncio.sleep(60)
        assert named.receiver.equals({"a": site.job.tables["a"]})

    Site(targets=1).run(story)
    assert "http://h0:80: it refuses the rows: another sender has taken over" in caplog.text


def test_one_that_is_dead_delays_no_other() -> None:
    async def story(site: Site) -> None:
        site.job.links[0].hangs = True
        site.come(replica(0), replica(1))
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        site.job.learn(2)
        await intervals()
        assert site.rows(1) == [1, 2]

    Site().run(story)


def test_another_address_is_another_target() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        site.come(replica(0, "h1"))
        await asyncio.sleep(SEEN_S)
        assert site.rows(1) == [1]
        await asyncio.sleep(site.quarry.forget_s)
        assert site.pushed_to == {"http://h1:80"}

    Site().run(story)


def test_two_entries_of_one_address_are_one_target() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0), replica(7, "H0"))
        await asyncio.sleep(SEEN_S)
        site.go(replica(7))
        await asyncio.sleep(2 * site.quarry.forget_s)
        assert site.pushed_to == {"http://h0:80"}

    Site().run(story)


def test_a_target_that_was_named_is_never_dropped() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)
        site.go(replica(0))
        await asyncio.sleep(2 * site.quarry.forget_s)
        assert site.pushed_to == {"http://h0:80"}

    Site(targets=1).run(story)


@pytest.mark.parametrize("named", [0, 1], ids=["found", "named"])
def test_whom_a_bug_ended_is_sent_everything_when_it_comes_back(
    named: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        site.job.links[0].before = lambda: 1 // 0
        site.job.learn(1)
        await asyncio.sleep(SEEN_S)
        assert site.pushed_to == set()
        site.go(replica(0))
        site.job.links[0].before = lambda: None
        await asyncio.sleep(SEEN_S)
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)
        assert (site.rows(0), site.pushed_to) == ([1], {"http://h0:80"})
        site.go(replica(0))
        await asyncio.sleep(2 * site.quarry.forget_s)
        assert len(site.pushed_to) == named

    Site(targets=named).run(story)
    said = [r.message for r in caplog.records if "anew" in r.message]
    assert said == ["ParameterSync: push to http://h0:80 begins anew, with everything"]


def test_who_serves_another_model_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def story(site: Site) -> None:
        site.come(replica(0, **{MODEL: "other"}), replica(1, **{MODEL: "ctr"}))
        await asyncio.sleep(10)
        assert site.pushed_to == {"http://h1:80"}

    Site().run(story)
    assert [r.message for r in caplog.records if "alone" in r.message] == [
        "ParameterSync leaves serving-0 alone: it serves model 'other', not 'ctr'"
    ]


def test_while_the_backend_is_away_what_it_said_holds(caplog: pytest.LogCaptureFixture) -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)

        async def away(_: str) -> list[ServiceInfo]:
            raise BackendFailed("no route")

        site.discovery.discover = away  # type: ignore[method-assign]
        await asyncio.sleep(10 * site.quarry.forget_s)
        site.job.learn(1)
        await intervals()
        assert site.rows(0) == [1]

    Site().run(story)
    assert sum(r.levelno == logging.WARNING for r in caplog.records) == 1


@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.HANGS])
def test_a_backend_that_cannot_be_reached_is_tried_again(fault: Fault) -> None:
    async def story(site: Site) -> None:
        faulty = site.discovery
        await asyncio.sleep(20)
        assert site.pushed_to == set()
        assert isinstance(faulty, FaultyDiscovery)
        faulty.faults.pop("connect")
        site.come(replica(0))
        await asyncio.sleep(15)
        assert site.pushed_to == {"http://h0:80"}

    site = Site()
    site.discovery = FaultyDiscovery(site.discovery, connect=fault)  # type: ignore[assignment]
    site.run(story)


def test_who_left_while_nobody_watched_is_dropped() -> None:
    async def story(site: Site) -> None:
        site.come(replica(0))
        await asyncio.sleep(SEEN_S)
        await site.discovery.disconnect()
        site.go(replica(0))
        await asyncio.sleep(site.quarry.retry_s + site.quarry.forget_s + SEEN_S)
        assert site.pushed_to == set()

    Site().run(story)


def test_each_time_that_the_backend_is_away_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def story(site: Site) -> None:
        for _ in range(2):
            await asyncio.sleep(2 * site.quarry.retry_s)
            await site.discovery.disconnect()
        await asyncio.sleep(SEEN_S)

    Site().run(story)
    assert sum("goes on with the targets it knows" in r.message for r in caplog.records) == 2


def test_an_endpoint_is_dropped_while_a_push_hangs() -> None:
    async def story(job: Job) -> None:
        job.link.hangs = True
        job.learn(1)
        await intervals()
        job.replicator.drop(Endpoint("http", "h0", 80))
        await asyncio.sleep(0)

    job = Job()
    assert job.run(story) == 0
    assert job.link.closed


def test_stopping_disconnects() -> None:
    async def story(site: Site) -> None:
        await asyncio.sleep(SEEN_S)

    site = Site()
    site.run(story)
    assert site.discovery._users == 0
    virtual_time.run(Follower(site.discovery, site.job.replicator, site.quarry).stop())
