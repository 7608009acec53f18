"""One sentence, an exit code, and nothing stored is harmed."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli

TRAIN = ("train", "--model-dir=runs", "--batch-size=512")


def said(cli: Cli, *argv: str, status: int = 1) -> str:
    """What a failing command told from where it names itself: a sentence, no traceback."""
    err = cli.run(*argv, status=status)
    assert "Traceback" not in err
    return err[err.index("monolith: ") :]


@pytest.mark.parametrize(
    ("argv", "status", "sentence"),
    [
        (("--model=deepfn",), 1, "unknown model 'deepfn' (did you mean 'deepfm'?)"),
        (("--model=nowhere:Model",), 1, "there is no Python module 'nowhere'"),
        (
            ("--data=nowhere",),
            1,
            "nowhere: there is no such folder: `monolith data get` or `convert` makes one",
        ),
        (("--batch-size=0",), 2, "batch_size=0 (from --batch-size): must be > 0"),
        (("--num-ps=0",), 2, "--num-ps must be > 0 in distributed mode (num_ps=0, from --num-ps)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_train_refuses(cli: Cli, dataset: Path, argv: tuple[str, ...], status: int, sentence: str) -> None:
    assert sentence in said(cli, *TRAIN, f"--data={dataset}", *argv, status=status)


def test_server_that_is_not_there_is_named(cli: Cli, dataset: Path) -> None:
    (cli.folder / "meet" / "ps").mkdir(parents=True)
    (cli.folder / "meet" / "ps" / "0").write_text("127.0.0.1:9\n")  # the discard port: nobody listens
    cluster = ("--num-ps=1", "--num-workers-cluster=1", "--discovery-path=meet", "--barrier-timeout-ms=2000")
    sentence = said(cli, "worker", *TRAIN[1:], f"--data={dataset}", *cluster)
    assert "Connection failed to 127.0.0.1:9: " in sentence


def test_port_in_use_is_named(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert address in said(cli, "ps", "--discovery-path=meet", f"--bind-addr={address}")


def test_altered_records_are_named(cli: Cli, dataset: Path) -> None:
    copy = cli.folder / "copy"
    shutil.copytree(dataset, copy)
    part = min((copy / "train").glob("*.tfrecord"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    sentence = said(cli, *TRAIN, f"--data={copy}")
    assert str(part) in sentence
    assert "at byte" in sentence


def test_another_model_is_told(cli: Cli, dataset: Path) -> None:
    cli.run(*TRAIN, "--model=lr", f"--data={dataset}")
    before = sorted(p.name for p in (cli.folder / "runs").iterdir())
    sentence = said(cli, *TRAIN, "--model=fm", f"--data={dataset}")
    assert "lr" in sentence
    assert sorted(p.name for p in (cli.folder / "runs").iterdir()) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk with little room."""
    place = tmp_path / "small"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(file: io.FileIO) -> None:
    """Write until there is no more room."""
    while True:
        file.write(bytes(1024))


def test_full_disk_harms_nothing(cli: Cli, dataset: Path, small_disk: Path) -> None:
    train = ("train", "--model=lr", f"--data={dataset}", f"--model-dir={small_disk}", "--train-steps=2")
    cli.run(*train)
    before = cli.json("evaluate", f"--data={dataset}", f"--model-dir={small_disk}")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        fill(file)
    sentence = said(cli, *train, "--train-steps=4")
    assert "space" in sentence
    assert cli.json("evaluate", f"--data={dataset}", f"--model-dir={small_disk}") == before
    filler.unlink()
    assert cli.json(*train, "--train-steps=4")["steps"] == 4
