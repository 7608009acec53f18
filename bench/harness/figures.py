"""What was measured, how two of them compare, and where it was."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HOME = Path(__file__).parents[2]
FOLDER = HOME / "bench-results"


@dataclass(frozen=True, order=True)
class Load:
    """What is asked, of how large a table."""

    rows: int
    dim: int
    batch: int = 16_384
    skew: str = "uniform"
    threads: int = 1

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.rows:,} rows x {self.dim}, batches of {self.batch:,}, {self.skew}, {threads}"


@dataclass(frozen=True)
class Figure:
    """Nanoseconds per id of one way, round by round."""

    load: Load
    kind: str  # "lookup" or "update"
    way: str
    ns: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.ns)

    def over(self, other: Figure) -> float:
        """How many times as long as `other`: the median of the rounds' ratios, since noise is uneven."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.ns, other.ns, strict=True))


def here() -> dict[str, object]:
    """Where and when, and the command."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "cpu": models[0].partition(": ")[2] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": shlex.join(["python", *sys.argv]),
    }


@dataclass
class Record:
    """One run of one bench."""

    bench: str
    machine: dict[str, object] = field(default_factory=here)
    figures: list[Figure] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    more: dict[str, object] = field(default_factory=dict)

    def find(self, load: Load, way: str) -> Figure | None:
        return next((f for f in self.figures if f.load == load and f.way == way), None)

    def leave_out(self, who: str, why: str) -> None:
        """Say loudly that nobody will see `who` in the results."""
        why = why.replace(f"{HOME}/", "")
        print(f"\n!!! {who.upper()} IS LEFT OUT: {why}\n", flush=True)
        self.left_out[who] = why

    def write(self) -> Path:
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{self.bench}.json"
        path.write_text(json.dumps(asdict(self), indent=1))
        return path

    @classmethod
    def read(cls, path: Path) -> Record:
        kept = json.loads(path.read_text())
        figures = [Figure(Load(**f.pop("load")), **f) for f in kept.pop("figures")]
        return cls(figures=figures, **kept)
