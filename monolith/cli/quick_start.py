"""What a process of a job can do without while it starts: a server should be there again within a second."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

# numba imports it to see whether it could multiply matrices, which no kernel of ours does: a sixth of the
# time that a start takes.
_MATRICES = "scipy"


@contextmanager
def quick_start() -> Iterator[Callable[[], None]]:
    """Collect no garbage, and hide SciPy from numba, until what this gives is called, or until the end."""
    with ExitStack() as savings:
        savings.enter_context(_hidden(_MATRICES))
        savings.enter_context(_uncollected())
        yield savings.close


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let importing `module` fail, unless it was imported before."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is made here, modules above all, is for as long as the process: no collection looks at it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
