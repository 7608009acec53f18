"""Compile before the first request, so that no caller waits for a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monolith.core.progress import Progress
    from monolith.table.config import TableConfig


def warm_up(configs: Iterable[TableConfig], progress: Progress) -> None:
    """Compile, or load from the cache on disk, every kernel that tables of `configs` use."""
    raise NotImplementedError
