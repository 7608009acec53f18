"""How kernels are compiled, and what they are given.

Kernels take arrays of any width, so each is compiled once, whatever the tables, and kept on disk.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

from monolith.core import kernel_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Function = TypeVar("Function", bound=Callable[..., Any])
    Scalar = TypeVar("Scalar", bound=np.generic)

# Nothing calls them as C does: without the wrapper for it compiling takes a tenth less.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def kernel(function: Function) -> Function:
    """Compile `function` on first use, keep it on disk, and let other threads run meanwhile."""
    compiled = njit(**_OPTIONS)(function)
    kernel_cache.keep(compiled)
    return cast("Function", compiled)


def subroutine(function: Function) -> Function:
    """Compile `function` into the kernels that call it, which also keep it on disk."""
    return cast("Function", njit(**_OPTIONS)(function))


# What a formula is called with; pointers, which are indexed like arrays.
Floats: TypeAlias = Any  # of float32
Numbers: TypeAlias = Any  # of float64
Size: TypeAlias = Any  # uint64
Bits: TypeAlias = Any  # uint64
_FLOATS, _NUMBERS = types.CPointer(types.float32), types.CPointer(types.float64)


class Formula:
    """What happens to one row: a function (w, s, g, dim, told, draw) that kernels call by its `address`.

    `w`, `s` and `g` point to the weights, the optimizer's state and the gradient of the row's segment, `dim`
    float32 values each, as much state as the optimizer has. `told` points to float64 numbers, the learning
    rate first. `draw` is 64 random bits, of the row and the step. Compiled on first use and kept on disk;
    the row's length is known at run time only: with a fixed one LLVM makes slower code of short loops.
    """

    SIGNATURE = types.void(_FLOATS, _FLOATS, _FLOATS, types.uint64, _NUMBERS, types.uint64)

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    @cached_property
    def compiled(self) -> Any:
        signature = (self.SIGNATURE.args, self.SIGNATURE.return_type)
        compiled = CFunc(self._function, signature, locals={}, options={"error_model": "numpy"})
        kernel_cache.keep(compiled)
        compiled.compile()
        return compiled

    @property
    def address(self) -> int:
        return int(self.compiled.address)


def _call(_typing: Any, address: Any, w: Any, s: Any, g: Any, dim: Any, told: Any, draw: Any) -> Any:
    """Call the `Formula` at an address."""

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [arg.type for arg in args[1:]])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(address, w, s, g, dim, told, draw), codegen


call: Any = intrinsic(_call)


def given(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """`array` as kernels take their inputs: contiguous and aligned, as they assume, and read-only.

    Arrays made from a socket's bytes are read-only and others are not. numba compiles a kernel for each
    kind, so without this the first request of the other kind would wait for the compiler.
    """
    sound = array.flags.c_contiguous and array.flags.aligned
    view = (array if sound else np.require(array, requirements=["C", "A"])).view()
    view.flags.writeable = False
    return view


@subroutine
def mix(value: Any) -> Any:
    """Spread 64 bits over 64 bits, one to one: MurmurHash3's finaliser (Austin Appleby, public domain)."""
    x = np.uint64(value)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    x ^= x >> np.uint64(33)
    return x
