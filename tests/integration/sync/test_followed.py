"""Serving processes that register in a folder are pushed to by a parameter server that looks there."""

from __future__ import annotations

import signal
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from monolith.core.address import Address
from monolith.discovery.host_files import HostFiles
from monolith.runner.presence import Manners, found, replica_info
from monolith.testing.exports import write_tiny_export
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import kill, until
from tests.integration.discovery.ensemble import free_port
from tests.integration.sync.receiving import LockedReceiver, served
from tests.integration.sync.test_pushing import FIDS, Server, equal

FOLLOW = "--parameter-sync-discovery-path=found"


def registered(stack: ExitStack, folder: Path, port: int) -> None:
    info = replica_info("serving", Address("127.0.0.1", port), "ctr")
    stack.enter_context(found(HostFiles(folder / "found"), info, Manners()))


def test_who_comes_is_pushed_to(tmp_path: Path) -> None:
    first, second = LockedReceiver(), LockedReceiver()
    with ExitStack() as stack:
        registered(stack, tmp_path, stack.enter_context(served(first)))
        metrics = free_port()
        server = Server(tmp_path, [], FOLLOW, f"--metrics-port={metrics}")
        stack.callback(kill, server.process.pid)
        server.learn(FIDS[:500])
        until("the first has it", equal(first, server))
        registered(stack, tmp_path, stack.enter_context(served(second)))
        server.learn(FIDS[500:])
        for receiver in (first, second):
            until("both have all", equal(receiver, server))
        figures = urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics").read().decode()
        assert figures.count('monolith_sync_rows_total{target="http://127.0.0.1:') == 2
        said = server.close()
    assert server.process.returncode == 0, said


def test_serve_registers_and_leaves(tmp_path: Path) -> None:
    write_tiny_export(tmp_path / "tiny", 1)
    process = Cli(tmp_path).start(
        "serve", "--model-path=tiny", "--host=127.0.0.1", "--port=0", "--no-health-check",
        "--discovery-path=found", "--index=3",
    )  # fmt: skip
    entry = tmp_path / "found" / "serving" / "3"
    try:
        until("it registers", entry.exists)
        assert '"model": "tiny"' in entry.read_text()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        kill(process.pid)
    assert (process.returncode, entry.exists()) == (0, False), said
