"""Messages of which each has a number, and readers that ask the replicas all the while what they hold."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monolith.core.errors import ServingError, StreamError
from monolith.data.streams.kafka import KafkaLog
from monolith.data.streams.log import Writer
from monolith.serving.client import PredictionClient
from tests.integration.faults.counting import TABLES

USERS = 64  # message n is of user n % USERS
TICK_S, AT_ONCE = 0.05, 10  # messages
LOOK_S = 0.02  # between two looks of a reader
ANSWER_WITHIN_S = 2.0
MODEL = "mirror"


class Traffic:
    """Sends messages 0, 1, 2, … to `topic`, from `begin` to `end`, and again."""

    def __init__(self, log: KafkaLog, topic: str) -> None:
        self._log, self._topic = log, topic
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._forgotten = False
        self._at_once = 0
        self.sent_at: list[float] = []  # monotonic seconds, by number

    @property
    def count(self) -> int:
        return len(self.sent_at)

    def begin(self, at_once: int = 0) -> None:
        """First `at_once` messages that there is no time to train, then so many as there is."""
        self._at_once = at_once
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Returns when the broker has all messages."""
        if self._thread:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def again(self) -> None:
        """Send everything once more, in the same order, to a broker that has forgotten it."""
        self._forgotten = True
        self.end()
        self._forgotten = False
        writer = self._log.write()
        for number in range(self.count):
            self._send(writer, number)
        writer.flush()

    def _run(self) -> None:
        with suppress(StreamError):  # the broker has forgotten us, and all that we sent
            self._send_until_told(self._log.write())

    def _send_until_told(self, writer: Writer) -> None:
        self._send_some(writer, self._at_once)
        while not self._stopping.wait(TICK_S):
            self._send_some(writer, AT_ONCE)
        if not self._forgotten:
            writer.flush()

    def _send_some(self, writer: Writer, count: int) -> None:
        for _ in range(count):
            self.sent_at.append(time.monotonic())
            self._send(writer, self.count - 1)

    def _send(self, writer: Writer, number: int) -> None:
        row = {"user": number % USERS, "item": number, "number": number, "likes": number % 2}
        writer.send(self._topic, json.dumps(row).encode(), key=b"%d" % (number % USERS))


class Lag(NamedTuple):
    """At moment `at` the oldest message that was sent, and not seen in a prediction, was `seconds` old."""

    at: float
    seconds: float


class Reader:
    """Asks one replica for the rows of all users, again and again, and notes what must not be."""

    def __init__(self, address: str, traffic: Traffic) -> None:
        self._address, self._traffic = address, traffic
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reader of {address}", daemon=True)
        self.reads = 0  # of rows
        self.failures: list[float] = []  # when no answer came
        self.torn: list[str] = []
        self.lags: list[Lag] = []
        self._seen = np.zeros(USERS, np.float32)
        self.went_back = np.zeros(USERS, int)  # how often each user's row was older than before
        self.vanished = np.zeros(USERS, int)  # how often it was gone
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def rows(self, users: int, items: int) -> dict[str, NDArray[np.float32]]:
        """What the replica predicts for so many users and items: their rows."""
        wanted = np.arange(max(users, items))
        with PredictionClient(self._address, MODEL, timeout_s=10.0) as client:
            found = client.predict({"user": wanted, "item": wanted})["prediction"]
        return {"user": found[:users, : TABLES["user"]], "item": found[:items, TABLES["user"] :]}

    def judged(self) -> None:
        """Count anew how often rows were older than before."""
        self.went_back.fill(0)
        self.vanished.fill(0)

    def failures_since(self, when: float) -> int:
        return sum(at >= when for at in self.failures)

    def _run(self) -> None:
        users = np.arange(USERS)
        with PredictionClient(self._address, MODEL, timeout_s=ANSWER_WITHIN_S) as client:
            while not self._stopping.wait(LOOK_S):
                newest = np.maximum(self._traffic.count - 1 - users, 0)
                try:
                    rows = client.predict({"user": users, "item": newest})["prediction"]
                except ServingError:
                    self.failures.append(time.monotonic())
                else:
                    self._judge(rows[:, : TABLES["user"]], rows[:, TABLES["user"] :])

    def _judge(self, users: NDArray[np.float32], items: NDArray[np.float32]) -> None:
        self.reads += len(users) + len(items)
        for rows in (users, items):
            if (torn := (rows != rows[:, :1]).any(axis=1)).any():
                self.torn.append(str(rows[torn][0]))
        counts = users[:, 0]
        self.went_back += counts < self._seen
        self.vanished += (counts == 0) & (self._seen > 0)
        self._seen = counts
        self._note_lag(counts)

    def _note_lag(self, counts: NDArray[np.float32]) -> None:
        """Messages of one user are trained in their order, so a count says which are seen."""
        missing = np.arange(USERS) + USERS * counts.astype(int)
        now, sent = time.monotonic(), self._traffic.sent_at
        oldest = min((sent[n] for n in missing if n < len(sent)), default=now)
        self.lags.append(Lag(now, now - oldest))
