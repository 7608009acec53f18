"""A shard behind gRPC, with its kernels compiled before anyone can ask."""

from __future__ import annotations

from monolith.aio.daemon import in_daemon
from monolith.config.bad_gradients import BadGradients
from monolith.config.runner import RunnerConfig
from monolith.core.progress import Silent
from monolith.ps.server import PsServer
from monolith.ps.shard import LocalShard
from monolith.table.warmup import USUAL, warm_up


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

    async def prepare(self) -> None:
        """Compile: it takes seconds on a new machine, and a call has a deadline."""
        await in_daemon(lambda: warm_up([USUAL], Silent()))

    async def start(self) -> str:
        return await self._server.start()

    async def stop(self, grace_s: float) -> None:
        await self._server.stop(grace_s)

    def figures(self) -> dict[str, object]:
        stats = self._shard.state.stats()
        rows = sum(table.rows for table in stats.tables)
        return {"rows": rows, "lookups": stats.lookups, "applies": stats.applies}
