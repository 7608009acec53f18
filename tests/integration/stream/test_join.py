"""`monolith data join` as a process over a real broker, killed while it works."""

from __future__ import annotations

import json
import signal
import time
from uuid import uuid4

import pytest

from monolith.data.joining.rules import Rules
from monolith.data.streams.log import Partition
from tests.integration.cli.processes import until
from tests.integration.stream.conftest import kafka
from tests.unit.data.joining.conftest import action, impression, key_of

COUNT, PARTITIONS = 20_000, 2
RATE = 0.5
FIRST = 1_700_000_000_000  # event times, ms, one impression each


@pytest.fixture
def topics():
    return [f"{what}-{uuid4().hex}" for what in ("shown", "done", "examples")]


@pytest.fixture
def log(shared_broker, topics):
    made = kafka(shared_broker.servers)
    for topic in topics:
        made.create(topic, PARTITIONS)
    writer = made.write()
    for number in range(COUNT):
        writer.send(topics[0], impression(number), key=key_of(number), timestamp_ms=FIRST + number)
        if number % 10 == 0:
            writer.send(topics[1], action(), key=key_of(number), timestamp_ms=FIRST + number + 300)
    writer.flush()
    return made


def joining(shared_broker, topics, folder):
    """The words of a joiner that has little memory, and ends when nothing comes any more."""
    shown, done, output = topics
    where = (
        "--servers",
        shared_broker.servers,
        "--impressions",
        shown,
        "--actions",
        done,
        "--output",
        output,
    )
    rules = ("--window-secs=1", "--lateness-secs=1", f"--negative-rate={RATE}", "--memory-mb=1")
    return ("data", "join", *where, *rules, "--state", str(folder / "state"), "--end-after-secs=3", "--json")


def places(topic):
    return [Partition(topic, number) for number in range(PARTITIONS)]


def read(log, topic, enough):
    """Key and value of every message, once `enough` says that these are all; and what comes after them."""
    reader, found = log.read(dict.fromkeys(places(topic), 0)), []

    def more():
        found.extend((message.key, message.value) for message in reader.poll(10_000, 0.5))
        return enough(found)

    until(f"{topic} has all", more, 30)
    more()
    reader.close()
    return found


def test_a_killed_joiner_loses_nothing(cli, log, shared_broker, topics, tmp_path):
    words = joining(shared_broker, topics, tmp_path)
    for _ in range(3):
        child = cli.start(*words)
        wait_for_more(log, topics[2], child)
        child.kill()
        child.communicate()
    told = cli.json(*words[:-1])
    rules = Rules(window_ms=1000, keep_ms=0, negative_rate=RATE)
    wanted = {key_of(n) for n in range(COUNT) if n % 10 == 0 or rules.keeps(key_of(n))}
    examples = read(log, topics[2], lambda found: {key for key, _ in found} >= wanted)
    assert {key for key, _ in examples} == wanted
    assert len(set(examples)) == len(wanted)  # what was repeated is the same, byte by byte
    assert (told["joined"], told["negative"]) == (COUNT // 10, len(wanted) - COUNT // 10)
    assert told["joined"] + told["negative"] + told["sampled_out"] == COUNT


def wait_for_more(log, topic, child):
    """Wait until it has joined some more, or all."""
    before = sum(log.span(place).end for place in places(topic))
    until(
        "more was joined",
        lambda: child.poll() is not None or sum(log.span(place).end for place in places(topic)) > before,
    )


def test_asked_to_stop_it_ends_well(cli, log, shared_broker, topics, tmp_path):
    words = [word for word in joining(shared_broker, topics, tmp_path) if "end-after" not in word]
    child = cli.start(*words)
    wait_for_more(log, topics[2], child)
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, time.monotonic() - began < 20) == (0, True), err
    told = json.loads(out)
    count = told["joined"] + told["negative"]
    assert len(read(log, topics[2], lambda found: len(found) >= count)) == count
