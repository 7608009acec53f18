"""What a shard says of itself comes out as it went in."""

from __future__ import annotations

from monolith.ps.api import ShardStats, TableStats
from monolith.ps.stats_message import stats_of, stats_response


def test_figures_survive() -> None:
    stats = ShardStats(2, 2**64 - 1, 1.5, (TableStats("t", 7, 4, 999),), 10, 20, 30, 40, 50, 60)
    assert stats_of(stats_response(stats, with_tables=True)) == stats
    assert stats_response(stats, with_tables=False).total_embeddings == 7
