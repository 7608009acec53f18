"""What leaving negatives out of the training data does to logits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monolith.core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


def corrected(logits: Tensor, sample_rates: Tensor) -> Tensor:
    """The logits, [B], of rows among which negatives were kept with the chances `sample_rates`, [B].

    Of p : 1 - p positives to negatives, p : (1 - p) * rate are left, so that the logit is higher by
    -log(rate). Trained on these, the logits as they were fit the traffic that nothing was left out of. It
    follows that a positive has the rate of the negatives beside it, not 1, though all positives are kept.
    """
    return logits - sample_rates.log()


def clipped(logits: Tensor, threshold: float | None) -> Tensor:
    """Logits of probabilities between `threshold` and 1 - `threshold`; beyond these nothing is learned.

    Raises:
        ModelError: `threshold` is not in 0..1, without the ends.
    """
    if threshold is None:
        return logits
    if not 0 < threshold < 1:
        raise ModelError(f"logit_clip_threshold is {threshold}: must be above 0 and below 1")
    bound = abs(math.log((1 - threshold) / threshold))
    return logits.clamp(-bound, bound)
