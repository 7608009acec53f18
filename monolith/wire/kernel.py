"""How the loops of this room are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

# These kernels allocate nothing, so without `_nrt` they are spared counting references to the arrays they
# pass to each other, which took as long as the parsing itself.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}

kernel: Any = njit(**_OPTIONS)
inlined: Any = njit(**_OPTIONS, forceinline=True)
