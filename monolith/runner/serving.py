"""A shard behind gRPC, its kernels compiled before anyone can ask, and its rows pushed to who serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monolith.aio.daemon import in_daemon
from monolith.config.bad_gradients import BadGradients
from monolith.config.runner import RunnerConfig
from monolith.core.progress import Silent
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.warmup import USUAL, warm_up

if TYPE_CHECKING:
    from monolith.discovery.base import Discovery
    from monolith.sync.configured import Sync


class Replicas(NamedTuple):
    """Where serving processes register that are pushed to, and as what."""

    discovery: Discovery
    service_type: str


class GrpcServer:
    """What a parameter server listens with: shard `config.index` at `bind_addr`."""

    def __init__(
        self,
        config: RunnerConfig,
        bind_addr: str,
        *,
        seed: int = 0,
        metrics_port: int | None = None,
        bad_gradients: BadGradients = BadGradients.REFUSE,
        memory_budget_bytes: int | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        self._shard = LocalShard(
            config.index,
            seed=seed,
            default_dim=config.dim,
            bad_gradients=bad_gradients,
            memory_budget_bytes=memory_budget_bytes,
        )
        self._sync = _sync(self._shard, config, replicas)
        more = [self._sync.metrics] if self._sync else []
        self._server = PsServer(self._shard, bind_addr, metrics_port=metrics_port, more_metrics=more)

    async def prepare(self) -> None:
        """Compile: it takes seconds on a new machine, and a call has a deadline."""
        await in_daemon(lambda: warm_up([USUAL], Silent()))

    async def start(self) -> str:
        bound = await self._server.start()
        if self._sync:
            self._sync.start()
        return bound

    async def stop(self, grace_s: float) -> None:
        try:
            await self._server.stop(grace_s)
        finally:
            if self._sync:
                await self._sync.stop()

    def figures(self) -> dict[str, object]:
        stats = self._shard.state.stats()
        rows = sum(table.rows for table in stats.tables)
        figures = {"rows": rows, "lookups": stats.lookups, "applies": stats.applies}
        if self._sync:
            figures["pushed_rows"] = sum(pushed.rows for pushed in self._sync.pushed().values())
        return {**figures}


def _sync(shard: LocalShard, config: RunnerConfig, replicas: Replicas | None) -> Sync | None:
    if not config.parameter_sync_targets and replicas is None:
        return None
    from monolith.sync.configured import Sync  # for those who have targets

    return Sync(shard.state.tables, config, *(replicas or ()))
