"""`monolith ps stats`: what the running parameter servers of a job hold, and how they were asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from monolith.cli.command import Command, Report, Table, Ui
from monolith.cli.discovery import connected
from monolith.config.places import Looking
from monolith.config.settings import setting
from monolith.core.errors import ConfigError, ShardUnavailable
from monolith.discovery.ordering import Disorder, shard_addresses

if TYPE_CHECKING:
    from monolith.ps.api import ShardStats, TableStats
    from monolith.table.stats import Usage

ABOUT = ("ps", "table", "slot", "rows", "bytes")
WHOLE = ("most_rows", "load", "probe_mean", "probe_max")
USE = ("asked", "hit_rate", "evicted", "not_finite")


@attrs.frozen(kw_only=True)
class StatsSettings(Looking):
    """Which servers, and in how much detail."""

    # fmt: off
    address: tuple[str, ...] = setting((), "host:port of a server, given once for each; default: those that "
                                       "are found.", group="servers")
    slots: bool = setting(False, "A line for each slot too. Of every eighth id asked for, that is: "
                          "`asked` and `hit_rate` of a slot are a sample.", group="servers")
    # fmt: on


def stats(settings: StatsSettings, ui: Ui) -> Report:
    """One line a table and server."""
    told = ui.outside.run(_ask(settings, ui))
    lines = [line for shard in told for line in _lines(shard, by_slot=settings.slots)]
    return Report(title="parameter servers", figures=_figures(told), table=Table(ABOUT + WHOLE + USE, lines))


async def _ask(settings: StatsSettings, ui: Ui) -> list[ShardStats]:
    from monolith.ps.client import PsClient
    from monolith.ps.connect import connect_all
    from monolith.ps.listening import parse_listening
    from monolith.ps.remote import RemoteShard

    given = [str(parse_listening(address, what="--address")) for address in settings.address]
    addresses = given or await _found(settings, ui)
    shards = [RemoteShard(address, shard=i) for i, address in enumerate(addresses)]
    client = PsClient(shards)
    try:
        await connect_all(shards, addresses, settings.discovery_operation_timeout_ms)
        return list((await client.stats()).shards)
    finally:
        await client.close()


async def _found(settings: StatsSettings, ui: Ui) -> Sequence[str]:
    async with connected(settings, ui) as session:
        services = await session.look([settings.discovery_service_type_ps])
    addresses = shard_addresses(services, len(services))
    if isinstance(addresses, Disorder):
        raise ConfigError([f"{settings.kind}: {addresses}; give their --address instead"])
    if not addresses:
        nobody = f"no parameter server is registered in {settings.where}"
        raise ShardUnavailable(f"{nobody}; give its --address, or another --discovery", shard=0)
    return addresses


def _lines(shard: ShardStats, *, by_slot: bool) -> Iterator[Sequence[object]]:
    for table in sorted(shard.tables, key=lambda table: table.name):
        report = table.report
        if report is None:  # another program's server
            unknown = [None] * len(WHOLE + USE)
            yield (shard.shard, table.name, None, table.rows, table.memory_bytes, *unknown)
            continue
        whole = [report.most_rows or None, report.load, report.probe_mean, report.probe_max]
        yield _line(shard, table, None, report.usage, report.memory_bytes, whole)
        for slot, usage in report.slots.items() if by_slot else ():
            yield _line(shard, table, slot, usage, usage.rows * report.row_bytes, [None] * len(WHOLE))


def _line(
    shard: ShardStats, table: TableStats, slot: int | None, usage: Usage, size: int, whole: Sequence[object]
) -> Sequence[object]:
    rate = usage.hit_rate if usage.asked else None
    use = usage.asked, rate, usage.evicted, usage.not_finite
    return (shard.shard, table.name, slot, usage.rows, size, *whole, *use)


def _figures(told: Sequence[ShardStats]) -> dict[str, object]:
    tables = [table for shard in told for table in shard.tables]
    return {
        "servers": len(told),
        "rows": sum(table.rows for table in tables),
        "bytes": sum(table.memory_bytes for table in tables),
        **_budget(told),
        "lookups": sum(shard.lookups for shard in told),
        "applies": sum(shard.applies for shard in told),
        "slowest_lookup_us": max(shard.lookup_us for shard in told),
        "slowest_apply_us": max(shard.apply_us for shard in told),
        "youngest_s": min(shard.uptime_s for shard in told),
    }


def _budget(told: Sequence[ShardStats]) -> dict[str, object]:
    """What budgets of whole servers did; nothing where there is none."""
    if not any(shard.memory_budget_bytes for shard in told):
        return {}
    return {
        "memory_budget_bytes": sum(shard.memory_budget_bytes for shard in told),
        "evicted_for_memory": sum(shard.evicted_for_memory for shard in told),
    }


STATS = Command(StatsSettings, stats)
