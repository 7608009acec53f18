"""What a shard says of itself, and of its tables, as a message."""

from __future__ import annotations

from dataclasses import asdict, fields

from monolith.ps.api import ShardStats, TableStats
from monolith.table.stats import TableReport, Usage
from monolith.wire import ps_training_pb2 as pb


def stats_response(stats: ShardStats, *, with_tables: bool) -> pb.GetStatsResponse:
    tables = [
        pb.TableStats(
            name=t.name,
            num_embeddings=t.rows,
            dim_size=t.dim,
            memory_bytes=t.memory_bytes,
            report=_report_message(t.report) if t.report else None,
        )
        for t in stats.tables
    ]
    return pb.GetStatsResponse(
        shard_id=stats.shard,
        total_embeddings=sum(t.rows for t in stats.tables),
        memory_bytes=sum(t.memory_bytes for t in stats.tables),
        table_stats=tables if with_tables else [],
        lookup_count=stats.lookups,
        apply_gradients_count=stats.applies,
        avg_lookup_latency_us=stats.lookup_us,
        avg_apply_latency_us=stats.apply_us,
        incarnation=stats.incarnation,
        uptime_s=stats.uptime_s,
        memory_budget_bytes=stats.memory_budget_bytes,
        evicted_for_memory=stats.evicted_for_memory,
    )


def stats_of(message: pb.GetStatsResponse) -> ShardStats:
    return ShardStats(
        shard=message.shard_id,
        incarnation=message.incarnation,
        uptime_s=message.uptime_s,
        tables=tuple(_table_stats_of(t) for t in message.table_stats),
        lookups=message.lookup_count,
        applies=message.apply_gradients_count,
        lookup_us=message.avg_lookup_latency_us,
        apply_us=message.avg_apply_latency_us,
        memory_budget_bytes=message.memory_budget_bytes,
        evicted_for_memory=message.evicted_for_memory,
    )


def _table_stats_of(message: pb.TableStats) -> TableStats:
    report = _report_of(message.report) if message.HasField("report") else None
    return TableStats(message.name, message.num_embeddings, message.dim_size, message.memory_bytes, report)


def _report_message(report: TableReport) -> pb.TableReport:
    figures = {f.name: getattr(report, f.name) for f in fields(report) if f.name not in {"usage", "slots"}}
    message = pb.TableReport(usage=pb.Usage(**asdict(report.usage)), **figures)
    for slot, usage in report.slots.items():
        message.slots[slot].CopyFrom(pb.Usage(**asdict(usage)))
    return message


def _report_of(message: pb.TableReport) -> TableReport:
    figures = {f.name: getattr(message, f.name) for f in fields(TableReport)}
    slots = {slot: _usage_of(usage) for slot, usage in sorted(message.slots.items())}
    return TableReport(**{**figures, "usage": _usage_of(message.usage), "slots": slots})


def _usage_of(message: pb.Usage) -> Usage:
    return Usage(*(getattr(message, f.name) for f in fields(Usage)))
