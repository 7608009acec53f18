"""`monolith export`, `serve` and `predict`, as a user runs them."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from monolith.checkpoint.catalogue import Catalogue
from monolith.checkpoint.layout import folder_name, manifest_name
from monolith.cli.main import main
from monolith.testing.exports import tiny_prediction, write_tiny_export
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.serving.conftest import Trained

READY = re.compile(
    r"serving (?P<model>\w+), version (?P<version>\d+): gRPC at (?P<grpc>\S+), HTTP at (?P<http>\S+)\n"
)


@contextlib.contextmanager
def served(cli: Cli, *argv: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A server in a process of its own, and what it said when it was ready."""
    flags = ("--host=127.0.0.1", "--port=0", "--health-port=0", "--json")
    with cli.start("serve", *argv, *flags) as child:
        try:
            assert child.stderr
            line = child.stderr.readline()
            said = READY.fullmatch(line)
            assert said, line + child.communicate(timeout=DEADLINE_S)[1]
            yield child, said.groupdict()
        finally:
            child.kill()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    write_tiny_export(tmp_path / "tiny", 3)
    return Cli(tmp_path)


def test_given_rows_are_predicted(cli: Cli) -> None:
    rows = json.dumps([{"user": 1, "genres": ["noir", "drama"], "age": [1, 2]}, {"user": 2, "age": [0, 0]}])
    (cli.folder / "rows.json").write_text(rows)
    meant = [tiny_prediction(1, ["noir", "drama"], (1, 2)), tiny_prediction(2, [], (0, 0))]
    with served(cli, "--model-path=tiny") as (_, said):
        assert (said["model"], said["version"]) == ("tiny", "3")
        for given in (rows, "@rows.json"):
            answer = cli.json("predict", f"--address={said['grpc']}", "--model-name=tiny", f"--input={given}")
            assert [row["prediction"] for row in answer["rows"]] == pytest.approx(meant, abs=1e-6)
        refusal = cli.run(
            "predict", f"--address={said['grpc']}", "--model-name=tiny", '--input=[{"usr": 1}]', status=1
        )
        assert "INVALID_ARGUMENT: unknown input 'usr' (did you mean 'user'?)" in refusal


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_server_ends_cleanly_when_asked(cli: Cli, how: signal.Signals, status: int) -> None:
    with served(cli, "--model-path=tiny") as (child, _):
        child.send_signal(how)
        out, err = child.communicate(timeout=DEADLINE_S)
        assert json.loads(out) == {"model": "tiny", "version": 3, "answered": 0}
        assert child.returncode == status
        assert "Traceback" not in err


def test_who_reads_along_learns_which_version_answers(cli: Cli) -> None:
    with served(cli, "--model-path=tiny", "--version-poll-ms=50") as (child, _):
        write_tiny_export(cli.folder / "tiny", 4)
        assert child.stderr
        assert child.stderr.readline() == "version 4 of tiny is being served\n"
        (cli.folder / "tiny" / "5").mkdir()
        (cli.folder / "tiny" / "5" / "manifest.json").write_text("{}")
        assert child.stderr.readline().startswith("version 5 of tiny cannot be served: ")


def test_a_copy_may_bring_the_files_of_a_version_in_any_order(cli: Cli) -> None:
    write_tiny_export(cli.folder / "elsewhere", 4)
    files = sorted((cli.folder / "elsewhere" / "4").iterdir(), key=lambda path: path.name != "manifest.json")
    with served(cli, "--model-path=tiny", "--version-poll-ms=50") as (child, _):
        (here := cli.folder / "tiny" / "4").mkdir()
        shutil.copy(files[0], here)
        assert child.stderr
        said = child.stderr.readline()
        assert said.startswith("version 4 of tiny cannot be served: ")
        assert said.endswith("the file is missing\n")
        for file in files[1:]:
            shutil.copy(file, here)
        while "cannot be served" in (said := child.stderr.readline()):
            pass  # a slow copy may be looked at in the middle
    assert said == "version 4 of tiny is being served\n"


def test_whole_way_from_checkpoint_to_prediction(
    trained: Trained, cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exported here, since the model is a class of this process; served and asked in others."""
    argv = ("--checkpoint-path", trained.run, "-o", cli.folder / "films", "--warmup-data-path")
    assert (
        main(["export", *map(str, argv), str(trained.dataset.folder), "--model-version=12", "--json"], {})
        == 0
    )
    exported = json.loads(capsys.readouterr().out)
    assert exported["version"] == 12
    with served(cli, "--model-path=films") as (_, said):
        answer = cli.json(
            "predict",
            f"--address={said['grpc']}",
            "--model-name=films",
            f"--data={trained.dataset.folder}",
            "--count=7",
        )
    assert [row["prediction"] for row in answer["rows"]] == pytest.approx(
        trained.predictions[:7].tolist(), abs=1e-5
    )
    assert [row["label"] for row in answer["rows"]] == [
        float("noir" in row["genres"]) for row in trained.rows[:7]
    ]


def test_damage_that_shows_while_exporting_is_passed_over_and_told(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    whole = Catalogue(run).latest()
    assert whole
    later = attrs.evolve(whole, step=whole.step + 1, folder=folder_name(whole.step + 1))
    shutil.copytree(run / whole.folder, run / later.folder)
    (run / manifest_name(later.step)).write_bytes(later.to_json())
    rows = next((run / later.folder).glob("ps-*"))
    rows.write_bytes(rows.read_bytes()[:-1] + b"!")
    assert main(["export", f"--checkpoint-path={run}", f"-o={tmp_path / 'out'}", "--json"], {}) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["step"] == whole.step
    assert f"checkpoint-{later.step} is damaged and was passed over: {rows}: has CRC32C" in told.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [str(whole.step)]


def test_a_version_that_servers_pass_over_is_told(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("export", f"--checkpoint-path={trained.run}", f"-o={tmp_path}", "-f=onnx")
    said = f"{tmp_path} has version 8: servers answer with that and not with"
    for version, told in ((8, False), (7, True), (9, False)):
        assert main([*argv, f"--model-version={version}"], {}) == 0
        assert (said in capsys.readouterr().err) == told


def test_one_checkpoint_can_be_chosen(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest,) = trained.run.glob("checkpoint-*.json")
    argv = ("export", "--checkpoint-path", str(manifest), "-o", str(tmp_path), "-f", "onnx", "--json")
    assert main(argv, {}) == 0
    step = int(manifest.stem.rpartition("-")[2])
    assert json.loads(capsys.readouterr().out)["step"] == step
    assert sorted(p.name for p in (tmp_path / str(step)).iterdir()) == [
        "dense.onnx",
        "manifest.json",
        "warmup.records",
    ]
