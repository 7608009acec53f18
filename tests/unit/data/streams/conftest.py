"""Messages whose rows say which they are, and clocks that move when they are looked at."""

import json

import numpy as np
import pytest

from monolith.config.stream import MessageFormat, StreamConfig
from monolith.core.batch import Batch, Ragged
from monolith.core.fids import make_fid
from monolith.core.schema import Feature, Schema
from monolith.data.streams.decoding import Decoder
from monolith.data.streams.memory import MemoryLog
from monolith.wire.examples import encode_example_batch, encode_examples

SCHEMA = Schema(
    name="clicks",
    features=[Feature(name="user", kind="integer", slot=1), Feature(name="age", kind="float")],
)
NOW_S = 1_700_000_000.0
NOBODY = -1  # a broker's number


def rows(numbers):
    """Rows whose label is their number."""
    numbers = np.asarray(numbers, np.int64)
    users = Ragged(make_fid(1, numbers % 7), np.arange(len(numbers) + 1))
    ones = np.ones(len(numbers), np.float32)
    return Batch({"user": users}, {"age": ones.reshape(-1, 1)}, numbers.astype(np.float32), ones)


def example(number):
    return encode_examples(rows([number]))[0]


def example_batch(first, count):
    return encode_example_batch(rows(range(first, first + count)))


def as_json(number, **more):
    return json.dumps({"user": number % 7, "age": 1.0, "label": number, **more}).encode()


def rows_of(batches):
    """The labels of all of them, one after another."""
    return [label for batch in batches for label in labels(batch)]


def labels(batch):
    return batch.labels.astype(int).tolist()


def statistics(connected, leaders=(1, 2)):
    """What librdkafka tells of a topic of which partition n is read from broker `leaders[n]`.

    The broker that has no number was asked first, and is still connected.
    """
    states = {NOBODY: "UP"} | dict.fromkeys((1, 2), "TRY_CONNECT") | dict.fromkeys(connected, "UP")
    places = {str(n): {"desired": True, "broker": leader} for n, leader in enumerate(leaders)}
    places["-1"] = {"desired": False, "broker": NOBODY}  # where messages wait that have no partition yet
    brokers = {str(n): {"nodeid": n, "state": state} for n, state in states.items()}
    return json.dumps({"brokers": brokers, "topics": {"clicks": {"partitions": places}}})


class Ticking:
    """A timer on which each look takes a moment, so that a wait in memory ends."""

    def __init__(self, step_s=0.01):
        self.now, self.step_s = 0.0, step_s

    def __call__(self):
        self.now += self.step_s
        return self.now


class QuickLog(MemoryLog):
    """Nobody writes while a test reads: waiting changes nothing."""

    def wait(self, most, seconds, offsets):
        return super().wait(most, 0, offsets)


def decoder(what=MessageFormat.EXAMPLE, **more):
    return Decoder(schema=SCHEMA, format=what, clock=lambda: NOW_S, **more)


@pytest.fixture
def config():
    """Ends soon after the last message."""
    return StreamConfig(
        kafka_topics="clicks",
        kafka_servers="memory:1",
        stream_timeout_ms=0,
        stream_poll_timeout_ms=40,
        stream_batch_wait_ms=50,
    )
