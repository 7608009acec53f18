"""A parameter server that pushes, the replicas that it pushes to, one who changes rows and one who asks.

Every row that is written says when: all its values are milliseconds since the beginning, which float32 holds
exactly for four hours. So who reads a row sees how old it is, and whether it is of one moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from harness.crew import Crew, free_ports, listens
from numpy.typing import NDArray

from monolith.ps.blocking import BlockingClient
from monolith.ps.remote import RemoteShard
from monolith.serving.client import PredictionClient
from monolith.table.rows import TableRows
from monolith.testing.mirror import Mirror

DIM = 16
MIRROR = Mirror({"t": DIM})
IDS = 1_000_000
TICK_S = 0.05
READY_WITHIN_S = 120.0
ASKED_AT_ONCE = 4096  # rows of a request: of more, the predictions would be too long for gRPC's defaults


class Ends:
    """One server and `replicas` replicas, each a process."""

    def __init__(self, crew: Crew, interval_ms: int, replicas: int = 1) -> None:
        self.crew = crew
        self.models = crew.folder / "mirror"
        MIRROR.write(self.models)
        port, *self.ports = free_ports(1 + replicas)
        self.address = f"127.0.0.1:{port}"
        for i, at in enumerate(self.ports):
            where = f"--host 127.0.0.1 --port {at} --health-port 0 --version-poll-ms 100"
            crew.start(f"replica-{i}", f"monolith serve --model-path mirror {where}")
        targets = " ".join(f"--parameter-sync-target 127.0.0.1:{at}" for at in self.ports)
        crew.start(
            "ps",
            f"monolith ps --discovery-path meet --bind-addr {self.address} {targets} "
            f"--parameter-sync-interval-ms {interval_ms} --parameter-sync-model-name mirror",
        )
        for at in (port, *self.ports):
            crew.until("a server", partial(listens, at), READY_WITHIN_S)

    def client(self) -> BlockingClient:
        client = BlockingClient.local([RemoteShard(self.address, shard=0)])
        client.create_tables(MIRROR.configs)
        return client

    def asking(self, replica: int = 0) -> PredictionClient:
        return PredictionClient(f"127.0.0.1:{self.ports[replica]}", "mirror", timeout_s=30.0)

    def trained(self, client: BlockingClient) -> NDArray[np.float32]:
        """The rows (IDS, DIM) of the server."""
        return client.lookup({"t": MIRROR.fids("t", np.arange(IDS))}, create=False, unique=True)["t"]

    def same(self, client: BlockingClient, replica: int) -> bool:
        """Whether a replica has exactly the rows of the server."""
        wanted = self.trained(client)
        with self.asking(replica) as asked:
            return all(
                np.array_equal(rows_of(asked, ids), wanted[ids])
                for ids in np.split(np.arange(IDS), range(ASKED_AT_ONCE, IDS, ASKED_AT_ONCE))
            )

    def export(self, client: BlockingClient, version: int, *, embeddings: bool) -> None:
        """The next version: with the rows of now, or without any."""
        as_of_ms, rows = time.time_ns() // 10**6, {}
        if embeddings:
            values = self.trained(client)
            ids = np.flatnonzero(values.any(axis=1))
            fids = MIRROR.fids("t", ids)
            order = np.argsort(fids)
            rows = {"t": TableRows(fids[order], values[ids[order]], np.empty((len(ids), 0), np.float32))}
        MIRROR.write(self.models, version, rows=rows, as_of_ms=as_of_ms, embeddings=embeddings)


def rows_of(asked: PredictionClient, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a replica has of some ids, (n, DIM)."""
    return asked.predict({"t": ids})["prediction"]


class Writer(AbstractContextManager["Writer"]):
    """Changes `rows_per_s` rows a second, each tick the next ones of `ids`, in turn."""

    def __init__(self, client: BlockingClient, rows_per_s: int, ids: int = IDS) -> None:
        self._client, self._ids = client, ids
        self.at_once = int(rows_per_s * TICK_S)
        self.began = time.monotonic()
        self.ticks: list[float] = []  # when the rows of each were stamped, ms
        self.late = 0  # ticks that began after the next was due
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def now_ms(self) -> float:
        return 1000 * (time.monotonic() - self.began)

    def of_tick(self, tick: int) -> NDArray[np.int64]:
        return (np.arange(self.at_once) + tick * self.at_once) % self._ids

    def _run(self) -> None:
        for tick in range(1 << 30):
            due = TICK_S * tick - (time.monotonic() - self.began)
            self.late += due < -TICK_S
            if self._stopping.wait(max(due, 0)):
                return
            stamp = np.float32(int(self.now_ms()) + 1)
            rows = np.full((self.at_once, DIM), stamp, np.float32)
            self._client.assign({"t": (MIRROR.fids("t", self.of_tick(tick)), rows)})
            self.ticks.append(float(stamp))


def lags(asked: PredictionClient, writer: Writer, until: float) -> Iterator[float]:
    """Seconds from each change to the first prediction that shows it, by some rows of each tick.

    Asks on until moment `until`. What is not seen by then counts with its age.
    """
    waiting: dict[int, NDArray[np.int64]] = {}
    told = len(writer.ticks)
    while time.monotonic() < until:
        for tick in range(told, len(writer.ticks)):
            waiting[tick] = writer.of_tick(tick)[:: max(writer.at_once // 8, 1)]
        told = len(writer.ticks)
        if waiting:
            rows = rows_of(asked, np.concatenate(list(waiting.values())))
            now, begin = writer.now_ms(), 0
            for tick, ids in list(waiting.items()):
                seen = rows[begin : begin + len(ids), 0]
                begin += len(ids)
                if (seen >= writer.ticks[tick]).all():
                    del waiting[tick]
                    yield (now - writer.ticks[tick]) / 1000
        time.sleep(0.005)
    yield from ((writer.now_ms() - writer.ticks[tick]) / 1000 for tick in waiting)


@contextmanager
def ends(folder: Path, interval_ms: int, replicas: int = 1) -> Iterator[Ends]:
    with Crew(folder) as crew:
        yield Ends(crew, interval_ms, replicas)
