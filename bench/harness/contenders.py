"""Who is compared, and one of them at work: a process of its own, asked over its standard input."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.environments import PEERS, NotInstalledError, python_of

ROW_BYTES = 80  # of a row beside its values: its id, where it is, an index
FILL_WITHIN_S, ANSWER_WITHIN_S, END_WITHIN_S = 600, 120, 15


@dataclass(frozen=True)
class Contender:
    """A script, the environment that it needs (ours unless named), and what bounds it."""

    script: str
    environment: str = ""
    copies: float = 1.0  # of all values that it keeps in memory, state and spare room included
    program: str = ""  # must be on the PATH
    most_values: int = 1 << 40  # rows times dim

    def too_large(self, rows: int, dim: int) -> str:
        """Why it cannot be filled with so much here; empty if it can."""
        if rows * dim > self.most_values:
            return f"{rows:,} rows of {dim} would take it minutes to fill"
        need, free = rows * (4 * dim * self.copies + ROW_BYTES), available()
        return f"it needs {need / 2**30:.1f} GiB, {free / 2**30:.1f} are free" if need > free else ""

    def python(self) -> Path:
        """The interpreter that runs the script.

        Raises:
            NotInstalledError: why there is none.
        """
        if self.program and not shutil.which(self.program):
            raise NotInstalledError(f"{self.program} is not on the PATH: apt-get install {self.program}")
        return python_of(self.environment) if self.environment else Path(sys.executable)


CONTENDERS = (
    Contender("known_rows"),
    Contender("embedding_table", copies=2),
    Contender("numpy_take", "numpy"),
    Contender("torch_dense", "torch", copies=2),
    Contender("fbgemm", "fbgemm", copies=2),
    Contender("tfra", "tfra", copies=4),
    Contender("redis_pipeline", "redis", copies=4, program="redis-server", most_values=64_000_000),
)


def available() -> int:
    """Bytes of memory that nobody uses."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


class WorkerFailedError(Exception):
    """A contender ended, or said nothing in time."""


class Worker:
    """One contender, filled. `lookups` and `updates` are what it can be asked for."""

    def __init__(self, contender: Contender, python: Path, fids: Path, dim: int, log: Path) -> None:
        self.name, self._log = contender.script, log
        reading, writing = os.pipe()
        self._answers = os.fdopen(reading, "rb", buffering=0)
        script = str(PEERS / f"{self.name}.py")
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                (str(python), script, str(fids), str(dim), str(writing)),
                bufsize=0,  # a question leaves as it is written
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                pass_fds=(writing,),
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            )
        os.close(writing)
        assert self._process.stdin is not None  # it is a pipe
        self._questions = self._process.stdin
        self.about = self._answer(FILL_WITHIN_S)
        self.lookups: list[str] = self.about["lookups"]
        self.updates: list[str] = self.about["updates"]

    def ask(self, way: str, batches: Path, threads: int, seconds: float) -> float:
        """Nanoseconds per id of one turn that takes about so many seconds.

        Raises:
            WorkerFailedError: it has ended, or is silent.
        """
        job = json.dumps({"way": way, "batches": str(batches), "threads": threads, "seconds": seconds})
        try:
            self._questions.write(f"{job}\n".encode())
        except BrokenPipeError as exc:
            raise self._failed("ended") from exc
        took: float = self._answer(ANSWER_WITHIN_S)
        return took

    def close(self) -> None:
        self._questions.close()
        self._answers.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, within_s: float) -> Any:
        ready, _, _ = select.select([self._answers], [], [], within_s)
        line = self._answers.readline() if ready else b""
        if not line:
            why = "ended" if ready else f"was silent for {within_s:.0f} s"
            self._process.kill()
            raise self._failed(why)
        return json.loads(line)

    def _failed(self, why: str) -> WorkerFailedError:
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        return WorkerFailedError(f"{self.name} {why}; its last words: {' '.join(said)}")
