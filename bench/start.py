"""How long a process takes until its tables can be used: the first, which compiles, and the next.

    python bench/start.py

Writes bench-results/start.json.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from harness.figures import Record
from harness.limits import conclude, verdict

WARM_STARTS = 5
WARM_UP = """
from monolith.core.progress import Silent
from monolith.table.config import Segment, TableConfig
from monolith.table.warmup import warm_up
warm_up([TableConfig([Segment(16)])], Silent())
"""


def started(cache: str) -> float:
    """Seconds of a whole process that keeps compiled kernels in `cache`."""
    began = time.perf_counter()
    environ = {**os.environ, "NUMBA_CACHE_DIR": cache}
    subprocess.run([sys.executable, "-c", WARM_UP], env=environ, check=True)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        print(f"whole process with warm_up, cold: {started(cache):.2f} s")
        warm = statistics.median(started(cache) for _ in range(WARM_STARTS))
    conclude(Record("start"), [verdict("a whole process with warm_up, warm, s", warm, at_most=1)])


if __name__ == "__main__":
    main()
