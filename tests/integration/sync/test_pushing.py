"""A parameter server in a process of its own pushes to receivers; and how a link tells what is wrong."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

from monolith.core.endpoint import Endpoint, parse_endpoint
from monolith.core.errors import PushFailed
from monolith.ps.blocking import BlockingClient
from monolith.ps.remote import RemoteShard
from monolith.sync.link import GrpcLink, Reply
from monolith.table.config import Constants, Segment, Sgd, TableConfig
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.push_writing import write_push
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import kill, until
from tests.integration.discovery.forwarder import Forwarder
from tests.integration.sync.receiving import LockedReceiver, served

CONFIG = TableConfig((Segment(4, Constants(1.0), Sgd(learning_rate=0.3)),))  # no row becomes zeros
FIDS = np.arange(2_000) * 7919


class Server:
    """A parameter server that pushes, and a client of it."""

    def __init__(self, folder: Path, targets: list[str], *more: str) -> None:
        flags = [f"--parameter-sync-target={target}" for target in targets]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.process = Cli(folder).start(
            "ps", "--parameter-sync-model-name=ctr", "--parameter-sync-interval-ms=50",
            "--discovery-path=meet", f"--bind-addr={address}", *flags, *more,
        )  # fmt: skip
        until("it serves", lambda: any(folder.glob("meet/ps/*")))
        self.client = BlockingClient.local([RemoteShard(address, shard=0)])
        self.client.create_tables({"a": CONFIG})
        self.step = 0

    def learn(self, fids: np.ndarray) -> None:
        self.step += 1
        self.client.apply({"a": (fids, np.ones((len(fids), 4), np.float32))}, step=self.step)

    def rows(self) -> dict[int, list[float]]:
        found = self.client.lookup({"a": FIDS}, create=False)["a"]
        return {f: row for f, row in zip(FIDS.tolist(), found.tolist(), strict=True) if any(row)}

    def close(self) -> str:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return said


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[list[str]], Server]]:
    servers: list[Server] = []

    def start(targets: list[str]) -> Server:
        servers.append(Server(tmp_path, targets))
        return servers[-1]

    yield start
    for server in servers:
        kill(server.process.pid)


def equal(receiver: LockedReceiver, server: Server) -> Callable[[], bool]:
    expected = server.rows()

    def met() -> bool:
        with receiver.lock:
            return receiver.rows == {"a": expected}

    return met


def test_what_is_learned_arrives_at_each(started: Callable[[list[str]], Server]) -> None:
    near, reference = LockedReceiver(), LockedReceiver(reference=True)
    with served(near) as one, served(reference) as other:
        server = started([f"127.0.0.1:{one}", f"http://127.0.0.1:{other}"])
        for n in range(10):
            server.learn(FIDS[n * 200 : n * 200 + 400])
        for receiver in (near, reference):
            until("the rows arrive", equal(receiver, server))
        said = server.close()
    assert server.process.returncode == 0, said
    assert near.requests[-1].model_name == "ctr"


def test_who_was_away_has_all_in_the_end(started: Callable[[list[str]], Server]) -> None:
    away, near = LockedReceiver(), LockedReceiver()
    with ExitStack() as stack:
        other = stack.enter_context(served(near))
        with served(away) as port:
            server = started([f"127.0.0.1:{port}", f"127.0.0.1:{other}"])
            server.learn(FIDS[:100])
            until("both have it", lambda: all(equal(one, server)() for one in (away, near)))
        for n in range(40):
            server.learn(FIDS[n * 10 : n * 10 + 500])
            time.sleep(0.02)
        until("the other has it meanwhile", equal(near, server), 5)
        away.restart()  # it comes back with nothing of what it knew
        away.rows = {"a": {1: [1.0] * 4}}
        stack.enter_context(served(away, port))
        until("it has all", equal(away, server), 20)
        assert f"http://127.0.0.1:{port}: ParameterSync connect failed" in server.close()


@contextmanager
def certified(folder: Path) -> Iterator[tuple[grpc.ServerCredentials, Path]]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out",
         certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    yield grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())]), certificate


def test_https_is_tls(started: Callable[[list[str]], Server], tmp_path: Path, monkeypatch) -> None:
    receiver = LockedReceiver()
    with certified(tmp_path) as (credentials, certificate), served(receiver, 0, credentials) as port:
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate))
        server = started([f"HTTPS://127.0.0.1:{port}"])
        server.learn(FIDS)
        until("the rows arrive", equal(receiver, server))
        server.close()


def pushed_to(target: str, timeout_s: float = 1.0) -> Reply:
    endpoint = parse_endpoint(target)
    assert isinstance(endpoint, Endpoint)

    async def push() -> Reply:
        link = GrpcLink(endpoint)
        try:
            return await link.push(write_push(pb.PushRequest(), []), timeout_s)
        finally:
            await link.close()

    return asyncio.run(push())


def test_a_link_gives_the_answer() -> None:
    with served(LockedReceiver()) as port:
        assert pushed_to(f"127.0.0.1:{port}") == Reply(5, "send everything")


def test_nobody_there_is_named() -> None:
    with pytest.raises(PushFailed, match=r"^http://127.0.0.1:1: ParameterSync connect failed: ") as failure:
        pushed_to("127.0.0.1:1")
    assert not failure.value.lasting


def test_no_answer_is_named() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(PushFailed, match=f"http://127.0.0.1:{port}: no answer within 0.2 s"):
            pushed_to(f"127.0.0.1:{port}", 0.2)


def test_a_line_that_dies_in_silence_is_replaced() -> None:
    """As when a machine loses its power, and another takes its address: no connection is closed."""

    async def push_until_answered(link: GrpcLink, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while True:
                with suppress(PushFailed):
                    await link.push(write_push(pb.PushRequest(), []), 1.0)
                    return

    async def push(way: Forwarder) -> None:
        link = GrpcLink(Endpoint("http", "127.0.0.1", way.port))
        try:
            await push_until_answered(link, DEADLINE_S)
            way.lose()
            await push_until_answered(link, 20)  # 1 s until it is asked after, and 3 until it counts as dead
        finally:
            await link.close()

    with served(LockedReceiver()) as port, closing(Forwarder(port)) as way:
        asyncio.run(push(way))


def test_another_server_is_named() -> None:
    from concurrent.futures import ThreadPoolExecutor

    other = grpc.server(ThreadPoolExecutor(1))
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    with pytest.raises(PushFailed, match="is not a server that takes rows") as failure:
        pushed_to(f"127.0.0.1:{port}")
    assert failure.value.lasting
    other.stop(0).wait()
