"""Which negatives stay, and what belongs together."""

from collections import Counter

import attrs
import pytest

from monolith.data.joining.joiner import Fate, Joiner
from monolith.data.joining.rules import Rules
from monolith.data.joining.state import JoinState
from tests.unit.data.joining.conftest import RULES, key_of

KEYS = [key_of(number) for number in range(4000)]


def kept(**how):
    rules = attrs.evolve(RULES, **how)
    return {key for key in KEYS if rules.keeps(key)}


def test_the_rate_is_kept():
    assert len(kept(negative_rate=0.25)) == pytest.approx(1000, abs=100)
    assert len(kept(negative_rate=1.0)) == len(KEYS)


def test_a_seed_decides_once():
    assert kept() == kept()
    assert kept(seed=1) not in (kept(seed=2), kept(seed=3))


def test_a_higher_rate_keeps_them_too():
    assert kept(negative_rate=0.1) < kept(negative_rate=0.3)


@pytest.fixture
def joiner(tmp_path):
    rules = Rules(window_ms=100, keep_ms=50)
    with JoinState(tmp_path / "state", {}, memory_bytes=0) as state:
        yield Joiner(rules, state.entries, state.counts, 0)


@pytest.mark.parametrize(
    ("action", "label"),
    [
        pytest.param(999, 0, id="before it was shown"),
        pytest.param(1000, 1, id="at once"),
        pytest.param(1099, 1, id="in time"),
        pytest.param(1100, 0, id="too late"),
    ],
)
@pytest.mark.parametrize("action_first", [True, False])
def test_an_action_counts_within_the_window(joiner, action, label, action_first):
    arrivals = [("action", action, "click"), ("impression", 1000, b"value")]
    for what, *told in arrivals if action_first else reversed(arrivals):
        getattr(joiner, what)(b"key", *told)
    joiner.advance(1100)
    assert [one.label for one in joiner.given] == [label]


@pytest.mark.parametrize(
    ("watermark", "fate"), [(1099, Fate.JOINED), (1100, Fate.LATE), (1149, Fate.LATE), (1150, Fate.UNMATCHED)]
)
def test_how_late_an_action_is(joiner, watermark, fate):
    joiner.impression(b"key", 1000, b"value")
    joiner.advance(watermark)
    joiner.advance(watermark)
    joiner.action(b"key", 1050, "click")
    joiner.advance(9999)
    assert joiner.counts[fate] == 1


@pytest.mark.parametrize(
    ("watermark", "fate"), [(1149, Fate.REPEATED_IMPRESSION), (1150, Fate.STALE_IMPRESSION)]
)
def test_a_repeat_is_known_or_too_old(joiner, watermark, fate):
    """So that nothing is given twice, however late it is repeated."""
    for _ in range(2):
        joiner.impression(b"key", 1000, b"value")
        joiner.advance(watermark)
        joiner.advance(watermark)
    assert joiner.counts == Counter({Fate.NEGATIVE: 1, fate: 1})


def test_early_actions_are_bounded(joiner):
    for time in range(100):
        joiner.action(b"key", 1000 + time, "click")
    assert joiner.counts == {Fate.UNMATCHED: 36}
