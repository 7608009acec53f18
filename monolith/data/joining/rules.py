"""What joins with what, what is left out, and for how long a key is remembered."""

from __future__ import annotations

import attrs
import xxhash


@attrs.frozen(kw_only=True)
class Rules:
    """Times are event times in milliseconds.

    An action belongs to the impression of its key if it happened in the `window_ms` from then on. For
    `keep_ms` more a key is remembered, so that what comes too late, or twice, is recognised.
    """

    window_ms: int
    keep_ms: int
    negative_rate: float = 1.0  # the part of the negatives that is kept, above 0 and at most 1
    seed: int = 0
    positive_kinds: frozenset[str] = frozenset()  # of actions; none: every kind

    def counts(self, kind: str) -> bool:
        """Whether an action of this kind makes an impression positive."""
        return not self.positive_kinds or kind in self.positive_kinds

    def matches(self, action: int, impression: int) -> bool:
        """Whether an action at one time belongs to an impression at the other."""
        return impression <= action < self.closes(impression)

    def closes(self, time: int) -> int:
        """When the window of an impression at `time` has passed."""
        return time + self.window_ms

    def forgets(self, time: int) -> int:
        """When nothing is known any more of an impression, or action, at `time`."""
        return self.closes(time) + self.keep_ms

    def keeps(self, key: bytes) -> bool:
        """Whether the negative of `key` is kept: decided by seed and key alone, so always alike.

        What a lower rate keeps, a higher one keeps too.
        """
        return xxhash.xxh3_64_intdigest(key, seed=self.seed) < self.negative_rate * 2**64
