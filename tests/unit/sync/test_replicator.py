"""A target that is pushed to equals the tables in the end, whatever happened in between."""

from __future__ import annotations

import asyncio
import gc
import logging
from copy import deepcopy
from itertools import cycle, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.sync.link import Reply
from monolith.testing import virtual_time
from monolith.wire import parameter_sync_pb2 as pb
from tests.unit.sync.job import PACE, Job, intervals


def test_what_changed_arrives_within_an_interval() -> None:
    async def story(job: Job) -> None:
        job.learn(1, -2)
        await intervals()
        assert job.receiver.rows == {"a": {1: [0.5, 0.5], -2: [0.5, 0.5]}}
        job.learn(1)
        job.learn(3, table="b")
        await intervals()
        assert job.receiver.equals(job.tables)

    Job().run(story)


def test_only_what_changed_is_pushed_after_the_first_time() -> None:
    async def story(job: Job) -> None:
        job.learn(*range(10))
        await intervals()
        job.learn(4)
        await intervals()
        [delta] = job.receiver.requests[-1].delta_hash_tables
        assert (delta.unique_id, list(delta.fids), delta.dim_size) == ("a", [4], 2)

    Job().run(story)


def test_targets_have_intervals_of_their_own() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await asyncio.sleep(31)
        job.learn(2)
        await intervals()
        seldom, often = (link.receiver.rows["a"].keys() for link in job.links)
        assert (seldom, often) == ({1}, {1, 2})
        await asyncio.sleep(30)
        assert job.receiver.equals({"a": job.tables["a"]})
        assert job.links[0].tries < 5 < job.links[1].tries

    Job(targets=2, intervals_ms={0: 30_000}).run(story)


def test_a_push_says_who_sent_it() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()

    job = Job()
    job.run(story)
    sequences = [request.sequence for request in job.receiver.requests]
    assert sequences == list(range(1, len(sequences) + 1))
    last = job.receiver.requests[-1]
    told = (last.model_name, last.signature_name, last.sender, last.shard, last.shards, last.timeout_in_ms)
    assert told == ("ctr", "assign", 7, 0, 1, 3000)
    assert last.as_of_ms == 200


def test_nothing_is_said_of_tables_that_never_had_a_row() -> None:
    async def story(_: Job) -> None:
        await intervals(20)

    job = Job()
    job.run(story)
    assert job.link.tries == 0


def test_a_table_that_lost_all_its_rows_is_spoken_of() -> None:
    async def story(job: Job) -> None:
        job.learn(1, 2)
        await intervals()
        job.tables["a"].clear()
        await intervals()
        assert job.receiver.rows == {"a": {}}

    Job().run(story)


def test_evicted_rows_leave() -> None:
    async def story(job: Job) -> None:
        job.learn(1, 2, 3)
        await intervals()
        job.tables["a"].evict(np.array([2]))
        await intervals()
        assert job.receiver.rows["a"].keys() == {1, 3}

    Job().run(story)


def test_the_reference_keeps_them_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def story(job: Job) -> None:
        job.learn(1, 2, 3)
        await intervals()
        job.tables["a"].evict(np.array([2]))
        job.learn(1)
        await intervals()
        assert job.receiver.rows["a"] == {1: [0, 0], 2: [0.5, 0.5], 3: [0.5, 0.5]}

    Job(reference=True).run(story)
    assert [r.message for r in caplog.records if "upstream" in r.message] == [
        "ParameterSync target http://h0:80 speaks upstream's protocol only: rows that are evicted stay there"
    ]


@pytest.mark.parametrize("set_back_ms", [0, 3_600_000])
def test_quiet_times_are_told(set_back_ms: int) -> None:
    async def story(job: Job) -> None:
        job.clock.ahead_ms = set_back_ms
        job.learn(1)
        await intervals()
        job.clock.ahead_ms = 0
        sent = job.link.tries
        await asyncio.sleep(10 * PACE.idle_s)
        assert 8 <= job.link.tries - sent <= 10
        assert not job.receiver.requests[-1].delta_hash_tables
        now = 1000 * asyncio.get_running_loop().time()
        assert job.receiver.requests[-1].as_of_ms > now - 1300

    Job().run(story)


def test_who_restarted_gets_everything_though_nothing_changes() -> None:
    async def story(job: Job) -> None:
        job.learn(1, 2)
        await intervals()
        job.receiver.restart()
        job.receiver.rows = {"a": {9: [1, 1]}}
        await asyncio.sleep(PACE.idle_s + 3 * PACE.interval_s)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


def test_a_target_away_misses_nothing_and_another_is_undisturbed() -> None:
    async def story(job: Job) -> None:
        job.links[0].broken = "ParameterSync connect failed: refused"
        for step in range(150):
            job.learn(step, step % 7)
            await intervals(1)
        assert job.links[1].receiver.equals({"a": job.tables["a"]})
        job.links[0].broken = None
        await asyncio.sleep(PACE.most_s + 1)
        assert job.links[0].receiver.equals({"a": job.tables["a"]})

    job = Job(targets=2)
    job.run(story)
    pushed = job.replicator.pushed()
    assert pushed["http://h0:80"].failures > 5
    assert pushed["http://h1:80"].failures == 0
    assert pushed["http://h1:80"].as_of_ms >= 30_000


@pytest.mark.parametrize("why", ["hangs", "answers_lost", "lasting"])
def test_a_failed_push_keeps_its_rows(why: str) -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        setattr(job.link, why, 1)
        job.link.broken = "refused" if why == "lasting" else None
        job.learn(2)
        await asyncio.sleep(4)
        job.learn(3)
        setattr(job.link, why, 0)
        job.link.broken = None
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


def test_a_refusal_is_said_once_and_tried_slowly(caplog: pytest.LogCaptureFixture) -> None:
    async def story(job: Job) -> None:
        job.link.broken, job.link.lasting = "it refuses the rows: model other", True
        job.learn(1)
        await asyncio.sleep(600)

    job = Job()
    job.run(story)
    said = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert said == [
        "ParameterSyncReplicator flush failed: far: it refuses the rows: model other; "
        "the rows are kept, and sent again"
    ]
    assert job.link.tries < 40


def test_status_one_is_a_refusal() -> None:
    async def story(job: Job) -> None:
        answer = job.receiver.answer
        job.receiver.answer = lambda body: Reply(1, "model other")
        job.learn(1)
        await intervals()
        assert job.replicator.pushed()["http://h0:80"].refused > 0
        job.receiver.answer = answer
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


def said_of(table: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        r.message.split(", ")[0].split(" http://h0:80 ")[1]
        for r in caplog.records
        if repr(table) in r.message
    ]


def test_a_table_that_is_refused_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def story(job: Job) -> None:
        job.receiver.lacks = {"b"}
        job.learn(1)
        job.learn(2, table="b")
        await intervals()
        assert job.receiver.rows.keys() == {"a"}
        for n in range(300):
            job.learn(n)
            job.learn(n, table="b")
            await intervals(1)
            assert job.receiver.equals({"a": job.tables["a"]}) or n == 0
        assert job.replicator.pushed()["http://h0:80"].failures == 0
        job.receiver.lacks = set()
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals(job.tables)

    Job().run(story)
    assert said_of("b", caplog) == ["does not take table 'b'", "takes table 'b' now"]


def test_a_table_that_is_lost_comes_back_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def story(job: Job) -> None:
        job.learn(1, 2)
        job.learn(1, 2, table="b")
        await intervals()
        job.receiver.lacks, job.receiver.rows["b"] = {"b"}, {}  # another version has taken over
        job.learn(1)
        job.learn(1, table="b")
        await intervals()
        job.receiver.lacks = set()
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals(job.tables)

    Job().run(story)
    assert said_of("b", caplog) == ["does not take table 'b'", "takes table 'b' now"]


def test_all_tables_may_be_refused() -> None:
    async def story(job: Job) -> None:
        job.receiver.lacks = {"a", "b"}
        job.learn(1)
        job.learn(1, table="b")
        await asyncio.sleep(300)
        assert job.receiver.rows == {}
        assert job.link.tries < 400  # quiet times are told meanwhile
        job.receiver.lacks = {"b"}
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


@pytest.mark.parametrize("lacking", [set(), {"b"}], ids=["first_row", "taken_up_again"])
def test_a_whole_table_does_not_greet_who_restarted(lacking: set[str]) -> None:
    """It has the rows of that table only: the others would stay as they were exported."""

    async def story(job: Job) -> None:
        job.receiver.lacks = lacking
        job.learn(1, *([2] if lacking else []))
        if lacking:
            job.learn(1, table="b")
        await asyncio.sleep(61)
        job.learn(3)
        await asyncio.sleep(31)
        job.receiver.restart()
        job.receiver.lacks, job.receiver.rows = set(), {"a": {}}
        job.learn(2, table="b")
        await asyncio.sleep(100)
        assert job.receiver.equals(job.tables)

    Job(intervals_ms={0: 30_000}).run(story)


def test_a_whole_table_does_not_tell_that_the_others_are_new() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.learn(1)
        job.learn(2, table="b")
        await intervals()
        whole, changes = job.receiver.requests[-2:]
        assert {delta.unique_id for delta in changes.delta_hash_tables} == {"a"}
        assert (whole.as_of_ms, bool(changes.as_of_ms)) == (0, True)

    Job().run(story)


@pytest.mark.usefixtures("few_rows_a_message")
def test_a_table_may_be_refused_in_the_middle_of_everything() -> None:
    async def story(job: Job) -> None:
        job.learn(*range(100))
        await intervals()
        before = job.link.tries

        def lose() -> None:
            if job.link.tries == before + 3:
                job.receiver.lacks, job.receiver.rows["b"] = {"b"}, {}

        job.link.before = lose
        job.learn(*range(100), table="b")
        await intervals()
        assert job.receiver.lacks
        assert job.receiver.rows["a"].keys() == set(range(100))
        assert job.receiver.whole is None
        assert job.receiver.requests[-1].as_of_ms
        job.receiver.lacks = set()
        await asyncio.sleep(PACE.refused_s)
        assert job.receiver.equals(job.tables)

    Job().run(story)


def test_overflow_sends_everything() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.tables["a"].journal()._most = 50
        job.link.broken = "away"
        for step in range(20):
            job.learn(*range(10 * step, 10 * step + 10))
            await intervals(1)
        job.tables["a"].evict(np.arange(5))
        job.link.broken = None
        await asyncio.sleep(PACE.most_s + 1)
        assert job.receiver.equals({"a": job.tables["a"]})

    job = Job()
    job.run(story)
    assert job.replicator.pushed()["http://h0:80"].wholes == 2


@pytest.fixture
def few_rows_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monolith.sync.source.Source.__init__.__defaults__", (180,))


@pytest.mark.usefixtures("few_rows_a_message")
def test_rows_travel_in_bounded_messages() -> None:
    async def story(job: Job) -> None:
        job.learn(*range(100))
        await intervals()
        job.learn(*range(50), table="a")
        job.learn(*range(30), table="b")
        await intervals()
        assert job.receiver.equals(job.tables)
        assert max(len(d.fids) for r in job.receiver.requests for d in r.delta_hash_tables) <= 20
        whole = [r for r in job.receiver.requests if r.whole_begin or r.whole_end]
        assert len([r for r in whole if r.whole_begin]) == len([r for r in whole if r.whole_end])

    Job().run(story)


@pytest.mark.usefixtures("few_rows_a_message")
@pytest.mark.parametrize("delays", [(0.01,), (0.03, 0.0), (0.0, 0.03, 0.01)])
def test_one_message_follows_another_that_is_on_its_way(delays: tuple[float, ...]) -> None:
    """Should it overtake that one, it comes again: nobody sends everything for it."""

    async def story(job: Job) -> None:
        job.learn(*range(100))
        await intervals()
        job.link.delays = cycle(delays)
        job.learn(*range(50, 150))
        await intervals(4)
        assert job.receiver.equals({"a": job.tables["a"]})
        assert job.link.most_under_way == 2

    job = Job()
    job.run(story)
    assert job.replicator.pushed()["http://h0:80"].wholes == 1


@pytest.mark.usefixtures("few_rows_a_message")
@pytest.mark.parametrize("takes_s", [1.0, 1.4, 2.0, 2.9])
def test_a_slow_target_is_sent_nothing_that_it_cannot_answer_in_time(takes_s: float) -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await asyncio.sleep(30)
        job.link.takes_s = takes_s
        for _ in range(2):
            job.learn(*range(60))
            await asyncio.sleep(12 * takes_s)
            assert job.receiver.equals({"a": job.tables["a"]})

    job = Job()
    job.run(story)
    assert job.replicator.pushed()["http://h0:80"].failures == 0


@pytest.mark.usefixtures("few_rows_a_message")
def test_what_cannot_be_written_next_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Also where something else ends the round first."""

    async def story(job: Job) -> None:
        job.learn(*range(100))
        await intervals()
        peek, job.receiver.sequences = job.tables["a"].peek, {}
        job.tables["a"].peek = lambda fids: peek(fids) if not job.link.under_way else 1 / 0  # type: ignore[method-assign]
        job.learn(*range(100))
        job.link.delays = repeat(0.01)
        await intervals()
        del job.tables["a"].peek  # type: ignore[method-assign]
        job.link.delays = repeat(0.0)
        await asyncio.sleep(5)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)
    assert "what comes next cannot be written: ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("few_rows_a_message")
def test_after_a_failure_the_rest_is_not_forgotten() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.link.broken = "away"
        job.learn(*range(100))
        await intervals()
        job.link.broken = None
        await intervals(4)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


@pytest.mark.usefixtures("few_rows_a_message")
def test_what_changes_while_everything_is_sent_is_not_forgotten() -> None:
    async def story(job: Job) -> None:
        job.link.before = lambda: job.learn(*range(100)) if job.link.tries in (3, 5) else None
        job.learn(*range(100))
        await intervals(3)
        assert job.receiver.equals({"a": job.tables["a"]})

    Job().run(story)


faults = st.sampled_from(["work", "broken", "hangs", "answers_lost", "restart", "lacks"])
ids_of_a_step = st.lists(st.integers(0, 9), max_size=4)
# How long a push takes and what is lost of it, one after the other, and again.
ways = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.03]), st.sampled_from(["", "", "", "push", "answer", "late"])),
    min_size=1,
    max_size=7,
)
steps = st.lists(st.tuples(faults, st.sampled_from("ab"), ids_of_a_step, st.booleans()), max_size=12)


@settings(max_examples=100)
@given(steps, ways, st.sampled_from([40, 180]), st.floats(0.01, 0.5))
def test_whatever_happens_it_is_equal_in_the_end(
    story_of: list[tuple[str, str, list[int], bool]],
    ways: list[tuple[float, str]],
    limit_bytes: int,
    late_s: float,
) -> None:
    exported = {"a": {5: [9.0, 9.0]}, "b": {5: [9.0, 9.0]}}

    async def story(job: Job) -> None:
        job.link.late_s = late_s
        job.link.delays, job.link.lost = (
            cycle([delay for delay, _ in ways]),
            cycle([lost for _, lost in ways]),
        )
        job.learn(0)
        for fault, table, ids, evicts in story_of:
            job.link.broken = "broken" if fault == "broken" else None
            job.link.hangs = fault == "hangs"
            job.link.answers_lost = int(fault == "answers_lost")
            has, lacks = "a" not in job.receiver.lacks, fault == "lacks"
            job.receiver.lacks = {"a"} if lacks else set()
            if lacks:
                job.receiver.rows.pop("a", None)
            if fault == "restart" or not (has or lacks):  # who gets a table anew asks for everything
                job.receiver.restart()
                job.receiver.rows = deepcopy(exported)
            job.learn(*ids, table=table)
            if evicts:
                job.tables[table].evict(np.array(ids, np.int64))
            await intervals(3)
        job.link.broken, job.link.hangs, job.link.answers_lost, job.link.lost = None, False, 0, repeat("")
        if job.receiver.lacks:
            job.receiver.lacks = set()
            job.receiver.restart()
        for name in job.tables:
            job.learn(0, table=name)  # perhaps its first row
        await asyncio.sleep(PACE.refused_s + 5)
        assert job.receiver.equals(job.tables)
        numbered: dict[int, pb.PushRequest] = {}  # else who comes late could be taken for another
        assert all(numbered.setdefault(said.sequence, said) == said for said in job.receiver.requests)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monolith.sync.source.Source.__init__.__defaults__", (limit_bytes,))
        Job().run(story)


def test_stopping_sends_what_changed_last() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.learn(2)

    job = Job()
    assert job.run(story) == 0
    assert job.receiver.equals({"a": job.tables["a"]})
    assert job.link.closed


def test_stopping_does_not_wait_out_a_failure() -> None:
    async def story(job: Job) -> None:
        job.link.broken = "away"
        job.learn(1)
        await asyncio.sleep(20)

    assert Job().run(story) == 0


def test_a_push_that_hangs_is_aborted(caplog: pytest.LogCaptureFixture) -> None:
    async def story(job: Job) -> None:
        job.link.hangs = True
        job.learn(1)
        await intervals()

    assert Job().run(story) == pytest.approx(0.2)
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        "ParameterSync replicator task did not stop promptly; forced abort (push to http://h0:80)"
    ]


def test_stopping_again_is_fine() -> None:
    async def story(job: Job) -> None:
        await job.replicator.stop()

    Job().run(story)
    virtual_time.run(Job().replicator.stop())


def test_who_is_forgotten_ends() -> None:
    async def main() -> None:
        job = Job()
        job.replicator.start()
        link = job.link
        await intervals()
        del job
        gc.collect()
        await asyncio.sleep(0.01)
        assert link.closed

    virtual_time.run(main())


def test_whoever_stopped_leaves_nothing_in_the_journal() -> None:
    async def story(job: Job) -> None:
        job.learn(1)
        await intervals()
        job.learn(2)

    job = Job()
    job.run(story)
    job.learn(*range(10))
    assert job.tables["a"].journal()._readers == []


def test_a_bug_is_told_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        job = Job(targets=2)
        job.links[0].before = lambda: 1 // 0
        job.replicator.start()
        job.learn(1)
        await intervals()
        assert job.links[1].receiver.equals({"a": job.tables["a"]})
        with pytest.raises(ZeroDivisionError):
            await job.replicator.stop()

    virtual_time.run(main())
    assert "push to http://h0:80 ended: ZeroDivisionError" in caplog.text
