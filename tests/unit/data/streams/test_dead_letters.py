"""What was set aside can be found again, and does not fill the disk."""

import base64
import json

import pytest

from monolith.data.streams.dead_letters import DeadLetters
from monolith.data.streams.decoding import Poison
from monolith.data.streams.log import Message, Partition


def poison(offset, value=b"\xff", key=b"k"):
    return Poison(Message(Partition("clicks", 3), offset, value, key, 5), "it is no JSON")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dead" / "worker-0.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def test_a_line_says_all_of_it(path):
    DeadLetters(path, print).put(poison(7))
    (line,) = lines(path)
    assert (line["topic"], line["partition"], line["offset"], line["timestamp_ms"]) == ("clicks", 3, 7, 5)
    assert (line["reason"], line["bytes"]) == ("it is no JSON", 1)
    assert [base64.b64decode(line[part]) for part in ("key", "value")] == [b"k", b"\xff"]


def test_what_a_message_lacks_is_null(path):
    DeadLetters(path, print).put(poison(7, value=None, key=None))
    assert [lines(path)[0][part] for part in ("key", "value")] == [None, None]


def test_the_newest_are_kept(path):
    dead = DeadLetters(path, print, limit=4_000)
    for offset in range(200):
        dead.put(poison(offset))
    kept = [*lines(path.with_name(path.name + ".old")), *lines(path)]
    assert [line["offset"] for line in kept] == list(range(200 - len(kept), 200))
    assert 2_000 <= sum(f.stat().st_size for f in path.parent.iterdir()) <= 4_000
    assert dead.count == 200


def test_a_long_value_is_cut(path):
    DeadLetters(path, print).put(poison(0, value=bytes(1 << 20)))
    assert (path.stat().st_size < 100_000, lines(path)[0]["bytes"]) == (True, 1 << 20)


def test_a_line_cut_short_spoils_no_other(path):
    path.parent.mkdir()
    path.write_text('{"topic": "cl')
    DeadLetters(path, print).put(poison(7))
    assert [json.loads(line)["offset"] for line in path.read_text().splitlines()] == [7]


def test_it_is_said_ever_more_rarely(path):
    said = []
    dead = DeadLetters(path, said.append)
    for offset in range(120):
        dead.put(poison(offset))
    assert [sentence.split(" so far")[0].rpartition(" ")[2] for sentence in said] == ["1", "10", "100"]
    assert "clicks/3 at offset 0" in said[0]


def test_a_folder_that_cannot_be_is_said_once(tmp_path):
    (tmp_path / "dead").write_text("a file where a folder should be")
    said = []
    dead = DeadLetters(tmp_path / "dead" / "w.jsonl", said.append)
    for offset in range(5):
        dead.put(poison(offset))
    assert (dead.count, sum("only counted" in sentence for sentence in said)) == (5, 1)


def test_they_are_kept_again_once_they_can_be(path):
    path.parent.write_text("a file where a folder should be")
    dead = DeadLetters(path, (said := []).append)
    dead.put(poison(1))
    path.parent.unlink()
    dead.put(poison(2))
    path.rename(path.with_name("kept"))
    path.mkdir()
    dead.put(poison(3))
    assert [line["offset"] for line in lines(path.with_name("kept"))] == [2]
    assert (dead.count, sum("only counted" in sentence for sentence in said)) == (3, 2)
