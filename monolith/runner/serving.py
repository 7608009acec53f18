"""A shard behind gRPC, its kernels compiled before anyone can ask, and its rows pushed to who serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monolith.aio.daemon import in_daemon
from monolith.config.bad_gradients import BadGradients
from monolith.config.runner import RunnerConfig
from monolith.core.progress import Silent
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.warmup import USUAL, warm_up

if TYPE_CHECKING:
    from monolith.sync.replicator import Replicator


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
    ) -> None:
        self._shard = LocalShard(config.index, seed=seed, default_dim=config.dim, bad_gradients=bad_gradients)
        self._server = PsServer(self._shard, bind_addr, metrics_port=metrics_port)
        self._replicator = _replicator(self._shard, config) if config.parameter_sync_targets else None

    async def prepare(self) -> None:
        """Compile: it takes seconds on a new machine, and a call has a deadline."""
        await in_daemon(lambda: warm_up([USUAL], Silent()))

    async def start(self) -> str:
        bound = await self._server.start()
        if self._replicator:
            self._replicator.start()
        return bound

    async def stop(self, grace_s: float) -> None:
        try:
            await self._server.stop(grace_s)
        finally:
            if self._replicator:
                await self._replicator.stop()

    def figures(self) -> dict[str, object]:
        stats = self._shard.state.stats()
        rows = sum(table.rows for table in stats.tables)
        figures = {"rows": rows, "lookups": stats.lookups, "applies": stats.applies}
        if self._replicator:
            figures["pushed_rows"] = sum(pushed.rows for pushed in self._replicator.pushed().values())
        return {**figures}


def _replicator(shard: LocalShard, config: RunnerConfig) -> Replicator:
    from monolith.sync.configured import replicator_of  # for those who have targets

    return replicator_of(shard.state.tables, config)
