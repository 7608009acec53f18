"""The roles of a job in one process, around the real shard and the real client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from monolith.core.errors import ClusterMisused, CommunicationError
from monolith.ps.api import Shard
from monolith.ps.client import PsClient
from monolith.ps.placement import by_name
from monolith.ps.shard import LocalShard


class Process:
    """Something that is started and stopped, in turns."""

    kind: ClassVar[str]

    def __init__(self, index: int) -> None:
        self.index = index
        self.running = False

    def start(self) -> None:
        """Begin.

        Raises:
            ClusterMisused: it is running.
        """
        if self.running:
            raise ClusterMisused(f"{self} is already running")
        self.running = True

    def stop(self) -> None:
        """End; what it holds stays for the next start.

        Raises:
            ClusterMisused: it is not running.
        """
        if not self.running:
            raise ClusterMisused(f"{self} is not running")
        self.running = False

    def __str__(self) -> str:
        return f"{self.kind} {self.index}"


class ParameterServer(Process):
    """A server: its `shard`, and how often each of its parameters was changed (`versions`)."""

    kind = "parameter server"

    def __init__(self, index: int, clock: Callable[[], float]) -> None:
        super().__init__(index)
        self.shard = LocalShard(index, random=bytes, clock=clock)  # no chance: every run is alike
        self.versions: Counter[str] = Counter()

    @property
    def num_parameters(self) -> int:
        return len(self.versions)


class Worker(Process):
    """A worker: its `client` of all servers, and how many steps it has made."""

    kind = "worker"

    def __init__(self, index: int, shards: Sequence[Shard]) -> None:
        super().__init__(index)
        self.client = PsClient(shards, worker=index, place=by_name)
        self.current_step = 0

    def step(self) -> None:
        """Count a step.

        Raises:
            CommunicationError: it is not running.
        """
        if not self.running:
            raise CommunicationError("Worker is not running")
        self.current_step += 1
