"""How the loops of this room are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

from monolith.core import kernel_cache

# These kernels allocate nothing, so without `_nrt` they are spared counting references to the arrays they
# pass to each other, which took as long as the parsing itself.
_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

inlined: Any = njit(**_OPTIONS, forceinline=True)


def kernel(function: Any) -> Any:
    """Compile `function` on first use, and keep it on disk where there is somewhere to write."""
    compiled = njit(**_OPTIONS)(function)
    kernel_cache.keep(compiled)
    return compiled
