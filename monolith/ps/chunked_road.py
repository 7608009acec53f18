"""Calls of any size on a road that takes messages of a bearable one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from monolith.ps.api import Applied, Found, Gradients, Lookup, Stamp
from monolith.ps.chunks import FoundInPieces, Piece, chunks
from monolith.ps.roads import Road
from monolith.ps.together import together


class ChunkedRoad:
    """A `Road`: what has more than `chunk` bytes of ids and rows travels on `road` in several messages.

    Each message takes one of the `lanes` meanwhile. Whatever floats rows come as, those given are float32.
    """

    def __init__(self, road: Road, chunk: int, lanes: asyncio.Semaphore) -> None:
        self._road = road
        self._chunk = chunk
        self._lanes = lanes

    async def lookup(self, asked: Sequence[Lookup]) -> list[Found]:
        sizes = [(len(a.fids), 8 + 4 * a.dim) for a in asked]
        if self._fit(sizes):
            async with self._lanes:
                found = await self._road.lookup(asked)
            return [_placed(*one) for one in zip(asked, found, strict=True)]
        answers = [FoundInPieces(a) for a in asked]

        async def send(pieces: list[Piece]) -> None:
            async with self._lanes:
                found = await self._road.lookup([_cut_lookup(asked[p.request], p) for p in pieces])
            for piece, part in zip(pieces, found, strict=True):
                answers[piece.request].put(piece, part)

        await together(send(pieces) for pieces in chunks(sizes, self._chunk))
        return [answer.whole() for answer in answers]

    async def apply(self, asked: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        sizes = [(len(a.fids), 8 + a.row_bytes) for a in asked]
        if self._fit(sizes):
            async with self._lanes:
                return await self._road.apply(asked, stamp)
        answers: list[list[Applied]] = [[] for _ in asked]

        async def send(part: int, pieces: list[Piece]) -> None:
            async with self._lanes:
                updates = [asked[p.request].of(slice(p.start, p.stop)) for p in pieces]
                applied = await self._road.apply(updates, replace(stamp, part=part))
            for piece, one in zip(pieces, applied, strict=True):
                answers[piece.request].append(one)

        await together(send(*numbered) for numbered in enumerate(chunks(sizes, self._chunk)))
        return [_join_applied(parts) for parts in answers]

    def _fit(self, sizes: Iterable[tuple[int, int]]) -> bool:
        """Whether so many ids, of so many bytes each, are one message."""
        return sum(count * width for count, width in sizes) <= self._chunk


def _placed(asked: Lookup, found: Found) -> Found:
    if asked.into:
        return found.put(asked.into)
    return found if found.rows.dtype == np.float32 else replace(found, rows=found.rows.astype(np.float32))


def _cut_lookup(request: Lookup, piece: Piece) -> Lookup:
    if piece.stop - piece.start == len(request.fids):
        return request
    return replace(request, fids=request.fids[piece.start : piece.stop])


def _join_applied(parts: list[Applied]) -> Applied:
    return Applied(
        sum(part.updated for part in parts),
        sum(part.inserted for part in parts),
        duplicate=any(part.duplicate for part in parts),
    )
