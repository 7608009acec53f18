"""What becomes of gradients that are NaN or infinite."""

from __future__ import annotations

from enum import StrEnum


class BadGradients(StrEnum):
    """What a table does with gradients that are NaN or infinite.

    As good as infinite are those from 2**56 (7e16) on in a table where an optimizer sums their squares.
    """

    REFUSE = "refuse"  # the whole request is refused, and the first such id named
    SKIP = "skip"  # ids with such a gradient are left out, neither updated nor created
    CLIP = "clip"  # NaN counts as 0, and what is infinite as 1000 of the same sign
