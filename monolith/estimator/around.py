"""The world around a training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import attrs

from monolith.core.progress import Progress, Silent
from monolith.core.stop import Stop
from monolith.estimator.hooks import Hook
from monolith.estimator.progressive import Progressive


@attrs.frozen(kw_only=True)
class Around:
    """Who listens to a session, who may end it early, who predicts beside it, and what the clocks say."""

    progress: Progress = attrs.field(factory=Silent)
    stop: Stop = attrs.field(factory=Stop)
    hooks: Sequence[Hook] = ()
    progressive: Progressive = attrs.field(factory=Progressive)
    clock: Callable[[], float] = time.time  # seconds since 1970
    timer: Callable[[], float] = time.perf_counter  # seconds since any moment
