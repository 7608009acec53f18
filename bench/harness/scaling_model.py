"""How many ids a second a job can move with so many servers, from what messages and ids cost each side.

A worker's batch of ids is spread over all servers, one message each (more, where a message would become too
large). Every worker and every server has a core of its own, and keeps several messages in flight, so nobody
waits for anybody: the slowest kind of resource decides. With S servers, W workers and batches of B ids

    a worker    moves   B / (S m + B i)           ids/s,   m, i: its cost of a message and of an id
    the servers take    S (B/S) / (M + (B/S) I)   ids/s,   M, I: theirs
    a link      carries bandwidth / bytes of an id.

A side bends where half of its time goes to messages: a server where its part of a batch is M / I ids, a
worker where that is m / i. Left out: that a worker waits for the slowest of many servers, and has a model to
train.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LARGEST = 16_384  # ids in one message


@dataclass(frozen=True)
class Cost:
    """Seconds of one side's processor."""

    message: float
    id: float

    def of(self, messages: float, ids: float) -> float:
        return messages * self.message + ids * self.id

    def bound_by(self, messages: float, ids: float) -> str:
        return "messages" if messages * self.message > ids * self.id else "ids"

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.message + other.message, self.id + other.id)


@dataclass(frozen=True)
class Costs:
    worker: Cost
    server: Cost
    bytes_per_id: float  # both ways together
    bytes_per_s: float  # of each worker's and each server's link


@dataclass(frozen=True)
class Prediction:
    shards: int
    workers: int
    ids_per_s: float
    bound: str  # what would have to become cheaper


def fitted(ids: Sequence[float], seconds: Sequence[float]) -> Cost:
    """What explains best what messages of so many ids took: least squares of relative errors, not below 0."""
    rows = [(1 / s, n / s) for n, s in zip(ids, seconds, strict=True)]
    aa, ab, bb = (sum(x[i] * x[j] for x in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = (sum(x[i] for x in rows) for i in (0, 1))
    determinant = aa * bb - ab * ab
    message, one = (a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant
    if message < 0:
        return Cost(0.0, b / bb)
    if one < 0:
        return Cost(a / aa, 0.0)
    return Cost(message, one)


def predict(costs: Costs, batch: int, shards: int, workers: int) -> Prediction:
    """The least of all bounds, and which it is."""
    part = batch / shards
    messages = math.ceil(part / LARGEST)
    link = costs.bytes_per_s / costs.bytes_per_id
    bounds = {
        f"workers' {costs.worker.bound_by(shards * messages, batch)}": workers
        * batch
        / costs.worker.of(shards * messages, batch),
        f"servers' {costs.server.bound_by(messages, part)}": shards * part / costs.server.of(messages, part),
        "workers' links": workers * link,
        "servers' links": shards * link,
    }
    bound = min(bounds, key=bounds.__getitem__)
    return Prediction(shards, workers, bounds[bound], bound)


def bend(costs: Costs, batch: int, shards: int, *, many_workers: bool) -> Prediction | None:
    """The first number of servers, up to `shards`, that move less than half of linear."""
    one = predict(costs, batch, 1, 1)
    for count in range(1, shards + 1):
        more = predict(costs, batch, count, count if many_workers else 1)
        if more.ids_per_s < one.ids_per_s * count / 2:
            return more
    return None


def sharing(costs: Costs, batch: int, shards: int, cores: int) -> float:
    """Ids a second of one worker and its servers that share `cores`: what one machine can check."""
    part = batch / shards
    messages = math.ceil(part / LARGEST)
    worker = costs.worker.of(shards * messages, batch)
    server = costs.server.of(messages, part)
    return batch / max((worker + shards * server) / cores, worker, server)
