"""Look for the parameter servers until all are there, or patience ends with what was seen."""

from __future__ import annotations

import asyncio
import reprlib

import attrs

from monolith.aio.bounded import bounded
from monolith.config.distributed import DistributedRunConfig
from monolith.core.errors import MonolithError, OperationFailed, ShardsNotFound
from monolith.discovery.base import Discovery, ServiceInfo
from monolith.discovery.ordering import Disorder, shard_addresses


@attrs.define
class Sightings:
    """What was seen on the way, for the one who reads the error."""

    attempts: int = 0
    usable: int = 0
    most_seen: int = 0
    most_usable: int = 0
    disorder: Disorder | None = None
    error: MonolithError | None = None

    def saw(self, services: list[ServiceInfo], expected: int) -> list[str]:
        """Note one look at `services`; give the addresses in shard order, as far as they are usable."""
        self.attempts += 1
        self.most_seen = max(self.most_seen, len(services))
        ordered = shard_addresses(services, expected)
        addresses: list[str] = []
        if isinstance(ordered, Disorder):
            self.disorder = ordered
        elif ordered:
            addresses, self.disorder = ordered, None
        self.usable = len(addresses)
        self.most_usable = max(self.most_usable, self.usable)
        return addresses

    def __str__(self) -> str:
        said = [
            f"attempts: {self.attempts}",
            f"max raw observed: {self.most_seen}",
            f"max usable observed: {self.most_usable}",
        ]
        said += [f"last ordering issue: {self.disorder}"] if self.disorder else []
        said += [f"last discovery error: {self.error}"] if self.error else []
        return "; ".join(said)


async def find_shards(discovery: Discovery, config: DistributedRunConfig) -> list[str]:
    """The addresses of all parameter servers, in shard order.

    Raises:
        ShardsNotFound: they were not all seen within `connect_retries` further looks.
    """
    runner = config.runner
    service, expected = runner.discovery_service_type_ps, runner.num_ps
    sightings = Sightings()
    for attempt in range(runner.connect_retries + 1):
        if attempt:
            await asyncio.sleep(runner.retry_backoff_ms / 1000)
        services = await _look(discovery, config, sightings)
        addresses = sightings.saw(services, expected)
        if len(addresses) >= expected:
            return addresses[:expected]
    raise ShardsNotFound(
        f"Timed out waiting for PS discovery for {config.service_id} (service type: {service}): "
        f"got {sightings.usable} expected {expected} ({sightings})",
        found=sightings.usable,
        expected=expected,
    )


async def _look(
    discovery: Discovery, config: DistributedRunConfig, sightings: Sightings
) -> list[ServiceInfo]:
    """What is found now: nothing where the look itself went wrong."""
    service = config.runner.discovery_service_type_ps
    operation = f"discover {config.service_id} for {service}"
    budget = config.runner.discovery_operation_timeout_ms
    try:
        services = await bounded(operation, lambda: discovery.discover(service), ms=budget)
        _must_be_services(operation, services)
    except MonolithError as exc:
        sightings.error = exc
        return []
    sightings.error = None
    return list(services)


def _must_be_services(operation: str, answer: object) -> None:
    if not isinstance(answer, list | tuple) or not all(map(_is_service, answer)):
        raise OperationFailed(f"{operation} gave {reprlib.repr(answer)}, not a list of services")


def _is_service(one: object) -> bool:
    """Whether it is one that can be called."""
    if not isinstance(one, ServiceInfo):
        return False
    host: object = one.host
    port: object = one.port
    return isinstance(host, str) and bool(host) and isinstance(port, int) and 0 <= port <= 65535
