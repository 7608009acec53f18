"""Where processes run: wherever the system puts them, or each on a core of its own, as with `taskset`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ALL = sorted(os.sched_getaffinity(0))


@contextmanager
def a_core_each(processes: Sequence[int]) -> Iterator[None]:
    """Keep each of `processes`, no more than there are cores, on one of its own until the block ends."""
    for process, core in zip(processes, ALL, strict=False):
        _keep(process, [core])
    try:
        yield
    finally:
        for process in processes:
            _keep(process, ALL)


def _keep(process: int, cores: Sequence[int]) -> None:
    """All its threads, and so those that they will start."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)
