"""How often the dense part becomes a version of its own."""

from __future__ import annotations

from pathlib import Path

import attrs

from monolith.config.checks import positive
from monolith.config.settings import Settings, setting


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside Joining as a base
class DenseExportConfig(Settings):
    """Where to, how often, and how many stay."""

    # fmt: off
    dense_export_path: Path | None = setting(None, "Folder of versions that serving processes watch: the "
                                             "chief writes the dense part there while it trains, without "
                                             "embeddings.", group="dense export")
    dense_export_interval_secs: float = setting(1_800.0, "Least time between two such versions: they come at "
                                                "the end of a round, the last with the job's.",
                                                group="dense export", check=positive)
    dense_export_keep: int = setting(3, "Versions without embeddings to keep there.", group="dense export",
                                     check=positive)
    # fmt: on
