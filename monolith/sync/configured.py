"""The replicator that a job's settings ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from monolith.aio.loop_thread import LoopThread
from monolith.config.cluster import Cluster
from monolith.config.sync_target import SyncTarget, parse_sync_target
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.replicator import Replicator, drawn_sender
from monolith.sync.source import Tables


def replicator_of(tables: Tables, told: Cluster) -> Replicator:
    """Pushes to `told.parameter_sync_targets`, which are judged, the rows of server `told.index`."""
    head = Letterhead(
        sender=drawn_sender(),
        model_name=told.parameter_sync_model_name,
        signature_name=told.parameter_sync_signature_name,
        shard=told.index,
        shards=told.num_ps,
    )
    pace = Pace(interval_s=told.parameter_sync_interval_ms / 1000)
    return Replicator(tables, _targets(told), head, pace=pace)


@contextmanager
def pushing(tables: Tables, told: Cluster) -> Iterator[None]:
    """Push, on a thread beside this one, while what is inside runs, if there are targets."""
    if not told.parameter_sync_targets:
        yield
        return
    beside, replicator = LoopThread("parameter sync"), replicator_of(tables, told)

    async def start() -> None:
        replicator.start()

    try:
        beside.submit(start()).result()
        yield
    finally:
        beside.submit(replicator.stop()).result()
        beside.close()


def _targets(told: Cluster) -> list[SyncTarget]:
    parsed = map(parse_sync_target, told.parameter_sync_targets)
    return [target for target in parsed if isinstance(target, SyncTarget)]
