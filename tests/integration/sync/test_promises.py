"""What is promised of a job that is served meanwhile, with at least twice as much time as it promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest

from monolith.ps.blocking import BlockingClient
from monolith.ps.remote import RemoteShard
from monolith.serving.client import PredictionClient
from monolith.table.rows import TableRows
from monolith.testing.mirror import Mirror
from monolith.wire.tf import message
from monolith.wire.tf_rpc import PREDICTION, method
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import free_port, until
from tests.integration.faults.blows import Command

MIRROR = Mirror({"t": 16})
INTERVAL_S = 0.2
PROMISED_S = INTERVAL_S + 1.0
AT_ONCE, TICK_S = 1_000, 0.05  # 20,000 rows a second
HOT = 4_000  # rows that change all the time
LATER = 100  # stamps of a later test begin there
READS, READ_AT_ONCE = 200_000, 1_000
VERSIONS = 4


class Served:
    """A server that pushes to a replica, each a process."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self._folder, cli = folder, Cli(folder)
        MIRROR.write(folder / "mirror")
        port, self._ps = free_port(), free_port()
        where = ("--host=127.0.0.1", f"--port={port}", "--health-port=0", "--version-poll-ms=100")
        replica = Command(cli, "replica", "serve", "--model-path=mirror", *where)
        undo.callback(replica.kill)
        target = (f"--parameter-sync-target=127.0.0.1:{port}", "--parameter-sync-model-name=mirror")
        pace = f"--parameter-sync-interval-ms={INTERVAL_S * 1000:.0f}"
        at = (f"--bind-addr=127.0.0.1:{self._ps}", "--discovery-path=meet")
        server = Command(cli, "ps", "ps", *at, *target, pace)
        undo.callback(server.kill)
        until("the replica serves", lambda: "gRPC at" in replica.said, DEADLINE_S)
        until("the server serves", lambda: "listens at" in server.said, DEADLINE_S)
        self.client = undo.enter_context(self.connected())
        self.asked = undo.enter_context(PredictionClient(f"127.0.0.1:{port}", "mirror"))
        self._channel = undo.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))

    @contextmanager
    def connected(self) -> Iterator[BlockingClient]:
        client = BlockingClient.local([RemoteShard(f"127.0.0.1:{self._ps}", shard=0)])
        client.create_tables(MIRROR.configs)
        yield client
        client.close()

    def change(self, ids: np.ndarray, stamp: int) -> None:
        rows = np.full((len(ids), 16), stamp, np.float32)
        self.client.assign({"t": (MIRROR.fids("t", ids), rows)})

    def rows(self, ids: np.ndarray) -> np.ndarray:
        return self.asked.predict({"t": ids})["prediction"]

    def export(self, version: int) -> None:
        """The rows of now and the dense part, or the dense part alone, in turn."""
        fids = np.sort(MIRROR.fids("t", np.arange(HOT)))
        as_of_ms = time.time_ns() // 10**6
        with self.connected() as client:
            values = client.lookup({"t": fids}, create=False)["t"]
        rows = {"t": TableRows(fids, values, np.empty((HOT, 0), np.float32))}
        whole = version % 2 == 0
        MIRROR.write(self._folder / "mirror", version, rows=rows, as_of_ms=as_of_ms, embeddings=whole)

    def serves(self, version: int) -> bool:
        request = message("tensorflow.serving.GetModelMetadataRequest")()
        request.model_spec.name = "mirror"
        request.metadata_field.append("signature_def")
        answer = method(self._channel, PREDICTION, "GetModelMetadata")(request, timeout=DEADLINE_S)
        return bool(answer.model_spec.version.value == version)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as undo:
        yield Served(tmp_path_factory.mktemp("served"), undo)


def test_a_change_is_soon_predicted(served: Served) -> None:
    """20,000 rows change a second; the last one of each tick is asked for until it is seen."""
    lags, began = [], time.monotonic()
    for tick in range(60):
        time.sleep(max(0.0, began + tick * TICK_S - time.monotonic()))
        ids = np.arange(tick * AT_ONCE, (tick + 1) * AT_ONCE)
        changed = time.monotonic()
        served.change(ids, tick + 1)
        if tick % 10 == 0:
            until("the change is seen", lambda i=ids[-1:], t=tick: served.rows(i)[0, 0] > t, DEADLINE_S)
            lags.append(time.monotonic() - changed)
    assert np.median(lags) < 2 * PROMISED_S, lags


def test_reads_are_never_torn_and_never_older(served: Served) -> None:
    """While rows change, and versions come with and without rows."""
    over = threading.Event()

    def change() -> None:
        stamp = LATER
        while not over.wait(TICK_S):
            stamp += 1
            served.change((np.arange(AT_ONCE) + stamp * AT_ONCE) % HOT, stamp)

    def export() -> int:
        version = 1
        while not over.wait(TICK_S) or version < VERSIONS:
            version += 1
            served.export(version)
            until(f"version {version} is served", lambda v=version: served.serves(v), DEADLINE_S)
        return version

    with ThreadPoolExecutor(2) as pool:
        changing, exporting = pool.submit(change), pool.submit(export)
        try:
            seen = judged_reads(served)
        finally:
            over.set()
        assert exporting.result() >= VERSIONS
        changing.result()
    assert seen.max() > LATER, "nothing changed meanwhile"


def judged_reads(served: Served) -> np.ndarray:
    """Read rows by lot; when the rows were changed that came last, by id."""
    seen, random = np.zeros(HOT, np.float32), np.random.default_rng(0)
    for _ in range(READS // READ_AT_ONCE):
        ids = random.choice(HOT, READ_AT_ONCE, replace=False)
        rows = served.rows(ids)
        assert (rows == rows[:, :1]).all(), "a row was torn"
        assert (rows[:, 0] >= seen[ids]).all(), "a row was older than before"
        seen[ids] = rows[:, 0]
    return seen
