"""A training writes its dense part into the folder that a replica watches, and the replica takes it."""

from __future__ import annotations

from pathlib import Path

from monolith.cli.main import main
from monolith.serving.manifest import read_manifest
from monolith.serving.server import ModelServer, ServerOptions
from tests.integration.cli.conftest import Cli
from tests.integration.cli.processes import until


def test_a_replica_takes_what_a_training_writes(cli: Cli, dataset: Path) -> None:
    run, out = cli.folder / "run", cli.folder / "liking"
    train = ("train", f"--data={dataset}", "--model=deepfm", f"--model-dir={run}", "--batch-size=64")
    assert main([*train, "--train-steps=20"], {}) == 0
    assert main(["export", f"--checkpoint-path={run}", f"-o={out}"], {}) == 0
    with ModelServer(ServerOptions(model_path=out, port=0, http_port=None, poll_s=0.05)) as server:
        dense = (f"--dense-export-path={out}", "--dense-export-interval-secs=0.001", "--dense-export-keep=2")
        assert main([*train, "--train-steps=60", "--save-steps=10", *dense], {}) == 0
        until("the last version is served", lambda: server.versions.version == 60)
    there = {int(folder.name): read_manifest(folder).dense_only for folder in out.iterdir()}
    assert there == {20: False, 50: True, 60: True}
