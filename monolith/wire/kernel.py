"""How the loops of this room are compiled."""

from __future__ import annotations

import contextlib
from typing import Any

from numba import njit

# These kernels allocate nothing, so without `_nrt` they are spared counting references to the arrays they
# pass to each other, which took as long as the parsing itself.
_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

inlined: Any = njit(**_OPTIONS, forceinline=True)


def kernel(function: Any) -> Any:
    """Compile `function` on first use, and keep it on disk where there is somewhere to write."""
    compiled = njit(**_OPTIONS)(function)
    with contextlib.suppress(RuntimeError):
        compiled.enable_caching()
    return compiled
