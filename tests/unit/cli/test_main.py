"""The frame: exit codes, one sentence an error, one JSON object."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from monolith.cli import commands, main
from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import positive
from monolith.config.settings import Settings, setting
from monolith.core.errors import DataError


@attrs.frozen(kw_only=True)
class Sum(Settings):
    count: int = setting(2, "How many.", check=positive)


def run(settings: Sum, ui: Ui) -> Report:
    if settings.count == 13:
        raise DataError("cannot be read", path="a.csv", offset=7)
    if settings.count == 14:
        raise KeyboardInterrupt
    table = Table(("n", "square"), [(n, n * n) for n in range(settings.count)])
    return Report(
        title="squares", figures={"how_many": settings.count}, table=table, status=settings.count == 3
    )


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SUM", Command(Sum, run), raising=False)
    monkeypatch.setitem(commands.COMMANDS, "sum", commands.Entry(f"{__name__}:SUM", "Square."))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


def test_a_file_may_be_that_of_the_whole_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.toml").write_text("count = 2\nnum_ps = 2\n")
    assert main.main(["sum", f"--config-path={tmp_path}/job.toml", "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out)["how_many"] == 2
    (tmp_path / "job.toml").write_text("num_pss = 2\n")
    assert main.main(["sum", f"--config-path={tmp_path}/job.toml"], {}) == 2
    assert "unknown setting 'num_pss'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["both"], ["both", "inner"]], ids="-".join)
def test_a_word_may_be_a_command_and_a_group(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its flags follow the word as they do any other's."""
    told = []
    for name in ("OUTER", "INNER"):
        command = Command(Sum, lambda s, _, name=name: told.append((name, s.count)) or Report(title=name))
        monkeypatch.setattr(sys.modules[__name__], name, command, raising=False)
    outer, inner = (commands.Entry(f"{__name__}:{name}", name) for name in ("OUTER", "INNER"))
    monkeypatch.setitem(commands.COMMANDS, "both", commands.Group("Both.", {"inner": inner}, itself=outer))
    assert main.main([*words, "--count=5"], {}) == 0
    assert told == [("INNER" if "inner" in words else "OUTER", 5)]


@pytest.mark.parametrize(("count", "status"), [("2", 0), ("3", 1), ("13", 1), ("0", 2), ("14", 130)], ids=str)
def test_exit_codes(count: str, status: int) -> None:
    assert main.main(["sum", f"--count={count}"], {}) == status


def test_json_is_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["sum", "--json"], {})
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "how_many": 2,
        "rows": [{"n": 0, "square": 0}, {"n": 1, "square": 1}],
    }
    assert said.err == ""


def test_table_shows_names_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["sum"], {"MONOLITH_COUNT": "4"})
    out = capsys.readouterr().out
    assert "how many" in out
    assert "square" in out


@pytest.mark.parametrize("as_json", [True, False])
def test_error_is_one_sentence(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["sum", "--count=13", *(["--json"] if as_json else [])], {})
    said = capsys.readouterr()
    assert said.err == "monolith: a.csv at byte 7: cannot be read\n"
    if as_json:
        assert json.loads(said.out) == {
            "error": "a.csv at byte 7: cannot be read",
            "kind": "DataError",
            "status": 1,
        }


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sum", "--count=13", "--debug"], {}) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):\n")
    assert said.splitlines()[-1].startswith("monolith: ")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["sum", "--count=nan"], "argument --count: 'nan' cannot be read as int"),
        (["sum", "--count="], "argument --count: '' cannot be read as int"),
        (["sum", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["sum", "--cuont=3"], "unrecognized arguments: --cuont=3 (did you mean --count?)"),
        (
            ["ps", "--bad-gradients=x"],
            "argument --bad-gradients: 'x' cannot be read as one of refuse, skip, clip",
        ),
    ],
)
def test_a_flag_that_cannot_be_is_one_sentence(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = f"monolith {argv[0]}"
    with pytest.raises(SystemExit):
        main.main(argv, {})
    assert capsys.readouterr().err == f"{command}: {said}; `{command} --help` tells the settings\n"


@pytest.mark.parametrize("argv", [["nonsense"], ["data", "nonsense"], ["sum", "--nonsense"]], ids=str)
def test_wrong_use_is_two(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(argv, {})
    assert caught.value.code == 2


ENTRIES = [entry for _, entry in commands.entries()]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.target)
def test_every_command_exists(entry: commands.Entry) -> None:
    assert isinstance(entry.load(), Command)


@pytest.mark.parametrize("argv", [["--help"], ["train", "--help"], ["ps", "--help"]], ids=str)
def test_help_stays_light(argv: list[str]) -> None:
    heavy = "{'torch', 'numba', 'onnxruntime', 'pyarrow', 'grpc', 'starlette', 'rich'}"
    code = (
        "import sys\nfrom monolith.cli.main import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        f"sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


NOBODY_READS = """
import os, sys
from tests.unit.cli import test_main as t
from monolith.cli import commands, main
t.SUM = t.Command(t.Sum, t.run)
commands.COMMANDS["sum"] = commands.Entry(t.__name__ + ":SUM", "")
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
sys.exit(main.main(["sum", "--json"], {}))
"""


def test_reader_that_left_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", NOBODY_READS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("option", [[], ["--json"]], ids=str)
def test_output_that_cannot_be_written_is_named(option: list[str]) -> None:
    command = [sys.executable, "-m", "monolith", "checkpoint", "ls", ".", *option]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    said = "monolith: [Errno 28] No space left on device: 'standard output'\n"
    assert (done.returncode, done.stderr) == (1, f"{said}  OSError: --debug shows where it comes from\n")


LEFT = """
import atexit, sys
from monolith import __main__
from monolith.cli import main
class Slow:
    def __del__(self): print("taken apart")
def run(*, begun):
    atexit.register(print, "last words")
    print("told")
    return 3
main.main = run
slow = Slow()
sys.exit(__main__.main())
"""


def test_a_process_leaves_without_being_taken_apart() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "told\nlast words\n", "")


def test_what_is_for_standard_error_goes_nowhere_else() -> None:
    script = f'exec "{sys.executable}" -m monolith predict <&- 2>&-'
    done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "argv",
    [
        ("train", "--data=.", "--model-dir=."),
        ("evaluate", "--data=.", "--model-dir=."),
        ("export", "--checkpoint-path=.", "-o=."),
    ],
    ids=["train", "evaluate", "export"],
)
def test_without_pytorch_the_extra_is_told(argv, tmp_path):
    run = f"from monolith.cli.main import main; sys.exit(main({argv}))"
    code = [sys.executable, "-c", f"import sys; sys.modules['torch'] = None; {run}"]
    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "pip install 'monolith-recsys[torch]'" in done.stderr) == (1, True), done.stderr
