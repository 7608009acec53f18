"""How steps are shared, and what workers tell each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.data.reading import Bookmark
from monolith.estimator.rounds import Note, Pace
from monolith.metrics.streaming import Quality
from monolith.metrics.tally import Tally

steps = st.integers(0, 1000)
active = st.lists(st.booleans(), min_size=1, max_size=6).filter(any)


@given(steps, steps, st.none() | steps, active)
def test_shares_end_where_they_should(step, save_steps, target, reads):
    shares = Pace(save_steps=save_steps, target=target).shares(step, reads)
    assert all(share == 0 for share, has in zip(shares, reads, strict=True) if not has)
    if not save_steps and target is None:
        assert {share for share, has in zip(shares, reads, strict=True) if has} == {None}
        return
    end = step + sum(shares)
    assert max(shares) - min(s for s, has in zip(shares, reads, strict=True) if has) <= 1
    assert end == max(step, target or 0) or (save_steps and end % save_steps == 0)
    assert target is None or end <= max(step, target)


@given(steps, st.integers(1, 50), st.integers(0, 500), active)
def test_rounds_reach_their_target(step, save_steps, target, reads):
    pace = Pace(save_steps=save_steps, target=target)
    for _ in range(600):
        if pace.reached(step):
            break
        step += sum(pace.shares(step, reads))
    assert pace.reached(step)


@given(steps, st.integers(1, 100), active)
def test_of_a_stream_everyone_has_a_share(step, save_steps, reads):
    shares = Pace(save_steps=save_steps, target=None, lasts_s=1.0).shares(step, reads)
    assert len({share for share, has in zip(shares, reads, strict=True) if has}) == 1
    assert (step + sum(shares)) % save_steps < sum(reads)


@pytest.mark.parametrize(
    ("save_steps", "step", "saves"), [(10, 20, True), (10, 25, True), (10, 19, False), (0, 20, False)]
)
def test_saves_come_at_their_multiples(save_steps, step, saves):
    assert Pace(save_steps=save_steps, target=None).saves(step, saved=15) is saves


def test_a_note_arrives_as_it_left():
    quality = Quality()
    quality.update([0.25, 0.75], [0.0, 1.0])
    bookmark = Bookmark(position=7, offsets={"clicks/0": 12})
    told = {"bookmark": bookmark, "steps": 3, "exhausted": True, "stopping": False}
    told |= {"event_time_s": 1_700, "set_aside": 4}
    replicas = {"now": Tally(), "never": Tally()}
    replicas["never"].quality.merge(quality)
    replicas["now"].missed = 2
    note = Note(**told, quality=quality, replicas=replicas)
    again = Note.from_bytes(note.to_bytes())
    assert again.to_bytes() == note.to_bytes()
    assert {name: getattr(again, name) for name in told} == told
    assert [(name, tally.examples) for name, tally in again.replicas.items()] == [("now", 2), ("never", 2)]
