"""`monolith data join` as a person types it, over a log in memory."""

import json
import re

import pytest

from monolith.cli.main import main
from monolith.data.streams import cluster
from monolith.data.streams.memory import MemoryLog
from tests.unit.data.joining.conftest import FAR, action, given, impression, key_of

WORDS = ("--servers=memory:1", "--impressions=shown", "--actions=done", "--output=examples")


class QuickLog(MemoryLog):
    """Nobody writes while it is read."""

    def wait(self, most, seconds, offsets):
        return super().wait(most, 0, offsets)

    def held(self, topic):
        return [message for place in self._held if place.topic == topic for message in self._held[place]]


@pytest.fixture
def log(monkeypatch):
    made = QuickLog(dict.fromkeys(("shown", "done", "examples"), 1))
    monkeypatch.setattr(cluster, "kafka_log", lambda *_args, **_more: made)
    return made


@pytest.fixture
def monolith(capsys, tmp_path):
    def run(*words):
        status = main(["data", "join", f"--state={tmp_path / 'state'}", *WORDS, *words, "--json"], {})
        printed = capsys.readouterr()
        return status, json.loads(printed.out or "{}"), printed.err

    return run


def test_what_was_shown_and_done_is_learned(log, monolith):
    for number in range(4):
        log.send("shown", impression(number), key=key_of(number), timestamp_ms=FAR + number)
    log.send("done", action("click"), key=key_of(2), timestamp_ms=FAR + 100)
    log.send("done", action("scroll"), key=key_of(3), timestamp_ms=FAR + 100)
    status, told, _ = monolith("--end-after-secs=0.01", "--positive=click")
    assert status == 0
    assert sorted(given(log)) == [(0, 0), (1, 0), (2, 1), (3, 0)]
    assert (told["joined"], told["negative"], told["other_kind"], told["keys_remembered"]) == (1, 3, 1, 4)
    assert told["event_time"] == "2001-09-09T01:56:40.100000+00:00"


WRONG = {
    "one topic for all": (
        ("--actions=shown",),
        "impressions='shown' .*actions='shown' .*: must be three topics",
    ),
    "no negatives": (("--negative-rate=0",), r"negative_rate=0\.0 .*: must be above 0 and at most 1"),
    "no patience": (("--end-after-secs=0",), r"end_after_secs=0\.0 .*: must be > 0"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG.keys())
def test_settings_that_cannot_be(monolith, words, said):
    status, _, err = monolith(*words)
    assert status == 2
    assert re.search(said, err)


def test_a_mistyped_topic_is_not_kept(log, monolith):
    status, _, err = monolith("--impressions=showm", "--end-after-secs=0.01")
    assert (status, "'showm'" in err) == (1, True), err
    assert monolith("--end-after-secs=0.01")[0] == 0
