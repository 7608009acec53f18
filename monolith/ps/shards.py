"""All servers of a job as one: each is asked for what is its part of a call, all at once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence, Set
from typing import Any, TypeVar

from monolith.core.errors import ConfigError
from monolith.ps.api import DenseTensors, Gradients, Lookup, Shard
from monolith.ps.dense import Values
from monolith.ps.placement import Placement
from monolith.ps.together import together

R = TypeVar("R", Lookup, Gradients)
T = TypeVar("T")


class Shards:
    """`shards` in order of their index, and which of them keeps which dense value.

    Raises:
        ConfigError: there are none, or one is there twice.
    """

    def __init__(self, shards: Sequence[Shard], place: Placement) -> None:
        if not shards:
            raise ConfigError(["Invalid configuration: at least one PS address is required"])
        if len(set(map(id, shards))) < len(shards):
            raise ConfigError(["Invalid configuration: one shard is given twice"])
        self._shards = tuple(shards)
        self._place = place
        self._owners: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._shards)

    def __getitem__(self, index: int) -> Shard:
        return self._shards[index]

    async def all(self, call: Callable[[Shard, int], Coroutine[Any, Any, T]]) -> list[T]:
        """What each of them says, called with its index."""
        return await together(call(shard, index) for index, shard in enumerate(self._shards))

    async def parted(
        self, tables: Iterable[Sequence[R]], call: Callable[[Shard, list[R]], Coroutine[Any, Any, list[T]]]
    ) -> list[tuple[R, T]]:
        """Each request that has ids with its answer, by shard; `tables` have one for each shard.

        A shard with nothing to do is not asked.
        """
        work = zip(self._shards, zip(*tables, strict=True), strict=False)
        busy = {s: mine for s, requests in work if (mine := [r for r in requests if len(r.fids)])}
        answers = await together(call(shard, requests) for shard, requests in busy.items())
        return [
            pair
            for requests, said in zip(busy.values(), answers, strict=True)
            for pair in zip(requests, said, strict=True)
        ]

    def place(self, names: Set[str]) -> None:
        """Decide who keeps the dense values of these names, unless that is decided."""
        self._owners |= self._place(names - self._owners.keys(), len(self))

    async def dense(
        self, tensors: DenseTensors, call: Callable[[Shard, DenseTensors], Coroutine[Any, Any, Values]]
    ) -> Values:
        """What their owners say of dense values, in the order of `tensors`; the first owns unknown ones."""
        mine = [
            {name: t for name, t in tensors.items() if self._owners.get(name, 0) == index}
            for index in range(len(self))
        ]
        calls = (call(shard, held) for shard, held in zip(self._shards, mine, strict=True) if held)
        answered = {name: value for values in await together(calls) for name, value in values.items()}
        return {name: answered[name] for name in tensors}
