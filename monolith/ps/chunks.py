"""A large call as several messages of a bearable size, and one answer again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from monolith.ps.api import Found, Lookup
from monolith.ps.destination import Destination


class Piece(NamedTuple):
    """The ids `start` to `stop` of a request."""

    request: int
    start: int
    stop: int


def chunks(requests: Sequence[tuple[int, int]], limit: int) -> list[list[Piece]]:
    """Cut requests into messages of at most `limit` bytes, in order.

    Args:
        requests: number of ids, and bytes of one id with its row, of each. One without ids still travels.
        limit: bytes. An id whose row is longer than that travels alone.
    """
    messages: list[list[Piece]] = [[]]
    left = limit
    for request, (count, width) in enumerate(requests):
        for piece in _pieces(request, count, width, max(0, left), limit):
            size = (piece.stop - piece.start) * width
            if messages[-1] and size > left:
                messages.append([])
                left = limit
            messages[-1].append(piece)
            left -= size
    return messages


def _pieces(request: int, count: int, width: int, left: int, limit: int) -> Iterable[Piece]:
    """The first as large as what is `left` of the current message, the others as large as may be."""
    start, room = 0, left // width
    while True:
        stop = min(count, start + (room or max(1, limit // width)))
        yield Piece(request, start, stop)
        if stop == count:
            return
        start, room = stop, 0


class FoundInPieces:
    """The answer to `request`, put together from the answers to its pieces as they come, in any order.

    Rows may come as any kind of floats; the answer's are float32.
    """

    def __init__(self, request: Lookup) -> None:
        count = len(request.fids)
        self._rows = np.empty((0 if request.into else count, request.dim), np.float32)
        self._into = request.into or Destination(self._rows)
        self._found = np.empty(count, np.bool_)
        self._initialized = 0

    def put(self, piece: Piece, found: Found) -> None:
        self._into.put(found.rows, piece.start)
        self._found[piece.start : piece.stop] = found.found
        self._initialized += found.initialized

    def whole(self) -> Found:
        return Found(self._rows, self._found, self._initialized)
