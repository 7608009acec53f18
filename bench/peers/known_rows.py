"""The limit: rows whose numbers are known, gathered with prefetch from aligned memory on huge pages.

One random access a row; a table that hashes needs two. Rows lie as far apart as those of a table that learns
by Adagrad, each with as much state behind it. A row is one record here, so that its copy has a constant size
and becomes a few vector moves: no gather that we tried was faster. Nothing of the table's own
kernels is used, so that the limit stays where it is when they change.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from worker import MOST_IDS, Contender, Way, serve

AHEAD, LINE = 16, 64  # rows to ask for in advance; bytes of a cache line
STRIDE = 2  # records from one row to the next: its values, and its state


def _prefetch(_typing: Any, _address: Any) -> Any:
    """Ask for the cache line at an address."""

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        place, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, keep, data = (ir.Constant(number, n) for n in (0, 3, 1))
        builder.call(function, [builder.inttoptr(args[0], place), to_read, keep, data])
        return context.get_dummy_value()

    return types.void(types.uintp), codegen


prefetch: Any = intrinsic(_prefetch)


@njit(nogil=True, error_model="numpy")
def gather(records: Any, numbers: Any, out: Any) -> None:
    first, width, last = records.ctypes.data, records.itemsize, len(numbers) - 1
    for i in range(len(numbers)):
        place = first + STRIDE * numbers[min(i + AHEAD, last)] * width
        for byte in range(0, width, LINE):
            prefetch(np.uintp(place + byte))
        out[i] = records[STRIDE * numbers[i]]


class KnownRows(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        self._record = np.dtype([("row", np.float32, (dim,))])
        memory = mmap.mmap(-1, STRIDE * len(fids) * self._record.itemsize)
        memory.madvise(mmap.MADV_HUGEPAGE)
        self._records = np.frombuffer(memory, self._record)
        self._records["row"] = 0.5

    def lookups(self) -> dict[str, Way]:
        return {"prefetched gather": lambda numbers: gather(self._records, numbers, self.out())}

    def query(self, numbers: np.ndarray) -> object:
        return numbers

    def new_out(self) -> np.ndarray:
        return np.zeros(MOST_IDS, self._record)


if __name__ == "__main__":
    serve(KnownRows)
