"""Look for the parameter servers until all are there, or patience ends with what was seen."""

from __future__ import annotations

import asyncio

import attrs

from monolith.aio.bounded import bounded
from monolith.config.job import MeetingSettings
from monolith.core.errors import DiscoveryError, ShardsNotFound
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
    error: DiscoveryError | None = None

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


async def find_shards(
    discovery: Discovery, me: ServiceInfo, expected: int, settings: MeetingSettings
) -> list[str]:
    """The addresses of the `expected` parameter servers, in shard order.

    Raises:
        ShardsNotFound: they were not all seen within `connect_retries` further looks.
    """
    service = settings.discovery_service_type_ps
    sightings = Sightings()
    for attempt in range(settings.connect_retries + 1):
        if attempt:
            await asyncio.sleep(settings.retry_backoff_ms / 1000)
        services = await _look(discovery, service, me, settings, sightings)
        addresses = sightings.saw(services, expected)
        if len(addresses) >= expected:
            return addresses[:expected]
    raise ShardsNotFound(
        f"Timed out waiting for PS discovery for {me.service_id} (service type: {service}): "
        f"got {sightings.usable} expected {expected} ({sightings})",
        found=sightings.usable,
        expected=expected,
    )


async def _look(
    discovery: Discovery, service: str, me: ServiceInfo, settings: MeetingSettings, sightings: Sightings
) -> list[ServiceInfo]:
    try:
        services = await bounded(
            f"discover {service} for {me.service_id}",
            discovery.discover(service),
            ms=settings.discovery_operation_timeout_ms,
        )
    except DiscoveryError as exc:
        sightings.error = exc
        return []
    sightings.error = None
    return services
