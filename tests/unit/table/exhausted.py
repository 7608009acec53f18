"""Memory that runs out at a moment of choice: numpy asks a handler for each array's data (its NEP 49)."""

import contextlib
import ctypes
from collections.abc import Iterator

from numpy._core import _multiarray_umath

SET_HANDLER, GET_HANDLER = 304, 305  # their places in numpy's table of functions for C
NAME = b"mem_handler"  # of capsules with a handler
ADDRESS, SIZE = ctypes.c_void_p, ctypes.c_size_t
NEW = ctypes.PYFUNCTYPE(ADDRESS, ADDRESS, SIZE)
OTHER = ctypes.PYFUNCTYPE(ADDRESS, ADDRESS, ADDRESS, SIZE)


class Handler(ctypes.Structure):
    """As numpy lays it out. The first argument of all functions is `context`."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ADDRESS),
        ("malloc", NEW),
        ("calloc", OTHER),
        ("realloc", OTHER),
        ("free", ADDRESS),  # never Python, which would drop the MemoryError that arrays are freed for
    )


python = ctypes.pythonapi
python.PyCapsule_New.restype = ctypes.py_object
python.PyCapsule_New.argtypes = (ADDRESS, ctypes.c_char_p, ADDRESS)
python.PyCapsule_GetPointer.restype = ADDRESS
python.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_table = python.PyCapsule_GetPointer(_multiarray_umath._ARRAY_API, None)
_functions = ctypes.cast(_table, ctypes.POINTER(ADDRESS))
_get_handler = ctypes.PYFUNCTYPE(ctypes.py_object)(_functions[GET_HANDLER])
_set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(_functions[SET_HANDLER])


class Memory:
    """numpy's own, but there is none for the array after the next `granted` ones; then, or never, again."""

    def __init__(self) -> None:
        self.granted = 0
        self.for_good = False
        self.usual = Handler.from_address(python.PyCapsule_GetPointer(_get_handler(), NAME))
        wrapped = [self._wrapped(kind, getattr(self.usual, name)) for name, kind in Handler._fields_[3:6]]
        first = (b"exhausted", self.usual.version, self.usual.context)
        self.handler = Handler(*first, *wrapped, self.usual.free)

    def _wrapped(self, kind, work):
        def if_granted(*args):
            self.granted -= 1
            lacking = self.granted < 0 if self.for_good else self.granted == -1
            return None if lacking else work(*args)

        return kind(if_granted)


MEMORY = Memory()  # for good: arrays that got theirs here may live longer than whoever asked


@contextlib.contextmanager
def running_out(granted: int, *, for_good: bool = False) -> Iterator[None]:
    """So many arrays get memory, the next one a MemoryError, and those after it memory again, or not."""
    MEMORY.granted, MEMORY.for_good = granted, for_good
    before = _set_handler(python.PyCapsule_New(ctypes.addressof(MEMORY.handler), NAME, None))
    try:
        yield
    finally:
        _set_handler(before)
