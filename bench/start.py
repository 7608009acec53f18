"""How long a process takes until its tables can be used: the first, which compiles, and the next.

    python bench/start.py

Two kinds of process: a parameter server, until it listens and is found, and a script that compiles what one
table needs, with all that `import` brings along. Writes bench-results/start.json.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from harness.figures import Record
from harness.limits import conclude, verdict

WARM_STARTS = 7
LISTENS = "listens at"
SCRIPT = """
from monolith.core.progress import Silent
from monolith.table.config import Segment, TableConfig
from monolith.table.warmup import warm_up
warm_up([TableConfig([Segment(16)])], Silent())
"""


def server(environ: dict[str, str]) -> float:
    """Seconds until a parameter server says that it listens."""
    with tempfile.TemporaryDirectory() as folder:
        told = ("--num-ps", "1", "--bind-addr", "127.0.0.1:0", "--discovery-path", folder)
        began = time.perf_counter()
        command = (sys.executable, "-m", "monolith", "ps", *told)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environ
        ) as process:
            assert process.stderr is not None  # it is a pipe
            listens = any(LISTENS in line for line in process.stderr)
            took = time.perf_counter() - began
            process.terminate()
    if not listens:
        sys.exit("monolith ps ended before it listened")
    return took


def script(environ: dict[str, str]) -> float:
    """Seconds of a whole process that uses tables as a library."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", SCRIPT], env=environ, check=True)
    return time.perf_counter() - began


def warm(started: Callable[[dict[str, str]], float]) -> float:
    """The median of starts after one that filled the caches, of compiled kernels and of bytecode."""
    with tempfile.TemporaryDirectory() as cache:
        caches = {"NUMBA_CACHE_DIR": f"{cache}/kernels", "PYTHONPYCACHEPREFIX": f"{cache}/bytecode"}
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        once = partial(started, kept | caches)
        print(f"{started.__name__}, cold: {once():.2f} s", flush=True)
        took = statistics.median(once() for _ in range(WARM_STARTS))
        print(f"{started.__name__}, warm: {took:.2f} s", flush=True)
        return took


def main() -> None:
    record, serving, using = Record("start"), warm(server), warm(script)
    record.more["script_s"] = using
    conclude(record, [verdict("`monolith ps` from its start until it listens, warm, s", serving, at_most=1)])


if __name__ == "__main__":
    main()
