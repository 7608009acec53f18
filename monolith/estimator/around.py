"""The world around a training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from monolith.core.progress import Progress, Silent
from monolith.core.stop import Stop
from monolith.estimator.hooks import Hook
from monolith.estimator.progressive import Progressive

if TYPE_CHECKING:
    from monolith.estimator.dense_export import DenseExport


@attrs.frozen(kw_only=True)
class Around:
    """Who listens to a session, ends it early, predicts beside it, takes its dense part; and the clocks."""

    progress: Progress = attrs.field(factory=Silent)
    stop: Stop = attrs.field(factory=Stop)
    hooks: Sequence[Hook] = ()
    progressive: Progressive = attrs.field(factory=Progressive)
    dense_export: DenseExport | None = None  # of the chief
    clock: Callable[[], float] = time.time  # seconds since 1970
    timer: Callable[[], float] = time.perf_counter  # seconds since any moment
