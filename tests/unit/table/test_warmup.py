"""After warming up nothing is compiled any more, in this process or in the next."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

from monolith.table.config import (
    Adam,
    Compressor,
    Dc,
    FilterConfig,
    FilterType,
    Ftrl,
    Initializer,
    Segment,
    Sgd,
    SlotExpireTimeConfig,
    SlotOccurrenceThresholdConfig,
    StochasticRoundingFloat16,
    TableConfig,
    Zeros,
)
from monolith.table.optimizer_config import Plain
from monolith.table.warmup import warm_up

ROOT = Path(__file__).parents[3]
CONFIGS = [
    TableConfig((Segment(1, optimizer=Ftrl()), Segment(8))),
    TableConfig((Segment(4, optimizer=Adam()),)),
    TableConfig((Segment(2, initializer=Zeros(), optimizer=Sgd()),)),
    TableConfig([Segment(1, optimizer=Dc(StochasticRoundingFloat16(kind()))) for kind in get_args(Plain)]),
    TableConfig([Segment(2, initializer=kind()) for kind in get_args(Initializer)]),
    TableConfig([Segment(2, compressor=kind()) for kind in get_args(Compressor)]),
    *(
        TableConfig(
            [Segment(1)],
            slot_occurrence_threshold_config=SlotOccurrenceThresholdConfig((), 1),
            slot_expire_time_config=SlotExpireTimeConfig((), 1),
            filter_config=FilterConfig(kind, 1000),
            max_rows=100,
        )
        for kind in FilterType
    ),
]
USE_ALL = """
import gc
import numpy as np
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from monolith.core.progress import Silent
from monolith.table.table import Table
from monolith.table.warmup import USUAL, warm_up
from tests.unit.table.test_warmup import CONFIGS

def kernels():
    ours = (o for o in gc.get_objects() if isinstance(o, Dispatcher) and "monolith" in o.__module__)
    return {k.__qualname__: k for k in ours if k.stats.cache_path}

def formulas():
    return [o for o in gc.get_objects() if isinstance(o, CFunc)]

warm_up([USUAL], Silent())
assert len(kernels()) > 8
misses = sum(sum(k.stats.cache_misses.values()) for k in kernels().values())
print(misses + sum(not f.cache_hits for f in formulas()), "compiled in warm_up")
tables = [Table(config) for config in CONFIGS]  # which compiles what only they need
before, known = {name: len(k.signatures) for name, k in kernels().items()}, len(formulas())
assert known > 14
for table in tables:
    for fids in (np.arange(20000), np.frombuffer(bytes(24), np.int64), np.arange(9)[::3]):
        rows, _ = table.find_or_insert(fids)
        table.apply(fids, np.frombuffer(rows.tobytes(), np.float32), latest=rows)
        table.apply(fids, rows, counts=np.frombuffer(fids.tobytes(), np.int64) * 0 + 2, times=fids % 9)
        table.expire()
        table.assign(fids, rows)
        table.restore(table.export())
        table.retire(len(table) // 2)
        table.close_gaps()
        table.evict(fids)
later = sum(len(k.signatures) - before[name] for name, k in kernels().items())
print(later + len(formulas()) - known, "compiled later")
"""


class Listener:
    def __init__(self):
        self.said = []

    def begin(self, what, total, unit):
        self.said.append((what, total, unit))

    def advance(self, count=1, **figures):
        self.said.append(count)

    def say(self, sentence):
        raise AssertionError(sentence)

    def end(self):
        self.said.append("end")


def test_progress_tells_each_kind_of_table():
    listener = Listener()
    warm_up([TableConfig((Segment(2, optimizer=Sgd()),))] * 3, listener)
    assert listener.said == [("compile kernels", 2, "table"), 1, 1, "end"]


def test_nothing_is_compiled_after_warm_up():
    """The second process finds everything on disk, even for arrays that are read-only or not aligned."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", USE_ALL], cwd=ROOT, check=True, capture_output=True, text=True
        )
    assert done.stdout.splitlines() == ["0 compiled in warm_up", "0 compiled later"]
