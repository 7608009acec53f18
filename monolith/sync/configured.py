"""The pushing that a job's settings ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monolith.aio.loop_thread import LoopThread
from monolith.config.cluster import Cluster
from monolith.config.sync_target import SyncTarget, parse_sync_target
from monolith.discovery.base import Discovery
from monolith.sync.follower import Follower, Quarry
from monolith.sync.message import Letterhead
from monolith.sync.patience import Pace
from monolith.sync.pushed import Pushed
from monolith.sync.replicator import Replicator, unix_ms
from monolith.sync.source import Tables

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


class Sync:
    """Pushes to `told.parameter_sync_targets`, which are judged, the rows of server `told.index`.

    And to those that register as `serving` at `replicas`.
    """

    def __init__(
        self, tables: Tables, told: Cluster, replicas: Discovery | None = None, serving: str = "serving"
    ) -> None:
        self._replicator = _replicator_of(tables, told)
        self._follower: Follower | None = None
        if replicas is not None:
            self._follower = Follower(replicas, self._replicator, _quarry(told, serving))

    def start(self) -> None:
        self._replicator.start()
        if self._follower:
            self._follower.start()

    async def stop(self) -> None:
        """Send what changed last, within a moment. Unstarted is fine."""
        if self._follower:
            await self._follower.stop()
        await self._replicator.stop()

    def metrics(self) -> Collector:
        """The figures of each target, for Prometheus."""
        from monolith.sync.metrics import SyncMetrics  # for those who serve metrics

        return SyncMetrics(lambda: self._replicator.targets, unix_ms)

    def pushed(self) -> Mapping[str, Pushed]:
        """What each target was sent so far."""
        return self._replicator.pushed()


@contextmanager
def pushing(
    tables: Tables, told: Cluster, replicas: Discovery | None = None, serving: str = "serving"
) -> Iterator[None]:
    """Push as `Sync` does, on a thread beside this one, while what is inside runs, if there is whom to."""
    if not told.parameter_sync_targets and replicas is None:
        yield
        return
    beside, sync = LoopThread("parameter sync"), Sync(tables, told, replicas, serving)

    async def start() -> None:
        sync.start()

    try:
        beside.submit(start()).result()
        yield
    finally:
        beside.submit(sync.stop()).result()
        beside.close()


def _replicator_of(tables: Tables, told: Cluster) -> Replicator:
    head = Letterhead(
        model_name=told.parameter_sync_model_name,
        signature_name=told.parameter_sync_signature_name,
        shard=told.index,
        shards=told.num_ps,
    )
    pace = Pace(interval_s=told.parameter_sync_interval_ms / 1000)
    return Replicator(tables, _targets(told), head, pace=pace)


def _targets(told: Cluster) -> list[SyncTarget]:
    parsed = map(parse_sync_target, told.parameter_sync_targets)
    return [target for target in parsed if isinstance(target, SyncTarget)]


def _quarry(told: Cluster, serving: str) -> Quarry:
    return Quarry(
        service_type=serving,
        model_name=told.parameter_sync_model_name,
        operation_ms=told.discovery_operation_timeout_ms,
        cleanup_ms=told.discovery_cleanup_timeout_ms,
    )
