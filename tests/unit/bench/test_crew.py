"""Programs that belong to us: they end with the block, whatever ends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.harness.crew import Crew, DemonstrationError

SLEEPS = "python -c 'import time; time.sleep(60)'"
FAILS = "python -c 'print(\"no such luck\"); raise SystemExit(3)'"


def ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def test_all_end_with_the_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = []

    def interrupted() -> None:
        with Crew(tmp_path) as crew:
            begun.extend([crew.start("one", SLEEPS), crew.start("two", SLEEPS, quiet=False)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert all(map(ended, begun))
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
        process = crew.start("one", SLEEPS)
        crew.rest(0.1, until_end_of=process)
        crew.stop("one")
        assert ended(process)
        crew.until("time", lambda: True, within_s=1)
