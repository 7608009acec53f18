"""Recommender models trained on a parameter server, where feature ids never collide.

Here are the names that a role of a job needs; `Estimator` (a whole job in this process) is in
`monolith.estimator.estimator`, `Table` in `monolith.table.table`, `PsClient` in `monolith.ps.client`, and
what a model is made of in `monolith.estimator.model` and `monolith.estimator.columns`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monolith.config.runner import RunConfig, RunnerConfig
    from monolith.core.names import Role
    from monolith.discovery.base import ServiceInfo

__all__ = ["Role", "RunConfig", "RunnerConfig", "ServiceInfo"]
__version__ = "0.1.0"

_HOMES = {
    "Role": "monolith.core.names",
    "RunConfig": "monolith.config.runner",
    "RunnerConfig": "monolith.config.runner",
    "ServiceInfo": "monolith.discovery.base",
}


def __getattr__(name: str) -> object:
    """What is asked for, from where it lives: `monolith --help` asks for nothing, and waits for nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
