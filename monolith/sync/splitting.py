"""How many messages rows travel in, and which of them in which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

FID_BYTES = 10  # at most, packed


def split(counts: Sequence[int], widths: Sequence[int], limit: int) -> Iterator[list[slice]]:
    """Where to cut tables of so many rows, each so many bytes wide, into messages of about `limit` bytes.

    As upstream: n = ceil(bytes / limit) messages; of each table every message takes floor(rows / n), and the
    last one what is left. Gives, message by message, a slice a table.
    """
    size = sum(count * width for count, width in zip(counts, widths, strict=True))
    messages = max(-(-size // limit), 1)
    for n in range(messages):
        last = n == messages - 1
        shares = [count // messages for count in counts]
        yield [
            slice(n * share, count if last else (n + 1) * share)
            for share, count in zip(shares, counts, strict=True)
        ]
