"""Programs that belong to us: they end with the block, whatever ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.harness.crew import Crew, DemonstrationError

SLEEPS = "python -c 'import time; time.sleep(60)'"
FAILS = "python -c 'print(\"no such luck\"); raise SystemExit(3)'"


def run_by(folder: Path) -> list[str]:
    """The programs that are there now with this folder as theirs."""
    found = [path for path in Path("/proc").glob("[0-9]*/cwd") if _where(path) == folder]
    return [(path.parent / "cmdline").read_text() for path in found]


def _where(cwd: Path) -> Path | None:
    try:
        return cwd.readlink()
    except OSError:  # it has ended meanwhile
        return None


def test_all_end_with_the_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with Crew(tmp_path) as crew:
            crew.start("one", SLEEPS)
            crew.start("two", SLEEPS, quiet=False)
            assert len(run_by(tmp_path)) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert run_by(tmp_path) == []
    assert capsys.readouterr().out.splitlines() == [f"$ {SLEEPS} &", f"$ {SLEEPS}"]


def test_work_is_waited_for(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.run('python -c \'open("made", "w")\'', within_s=30)
        crew.run("python -c ''", within_s=30)  # the one before may have ended
    assert (tmp_path / "made").exists()


def test_a_failure_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationError, match="exit code 3"), Crew(tmp_path) as crew:
        crew.run(FAILS, within_s=30)


def test_who_ends_by_itself_is_named(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.start("broker", FAILS)
        with pytest.raises(DemonstrationError, match="broker ended by itself, exit code 3") as caught:
            crew.until("nothing", lambda: False, within_s=30)
    assert "no such luck" in str(caught.value)


def test_waiting_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationError, match="in vain for the end of python"), Crew(tmp_path) as crew:
        crew.run(SLEEPS, within_s=0.2)


def test_one_may_be_ended_before(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.start("one", SLEEPS)
        crew.rest(0.1, until_end_of="one")
        crew.stop("one")
        assert run_by(tmp_path) == []
        crew.until("time", lambda: True, within_s=1)
