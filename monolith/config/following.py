"""Whom a job pushes to without being told their addresses: serving processes that register."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from monolith.config.checks import name, positive
from monolith.config.cluster import Cluster
from monolith.config.places import IN_MEMORY, Looking, Serving
from monolith.config.settings import Problem, again, part, setting


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside other settings as a base
class Following(Cluster, Looking):
    """Where they register, which need not be where the processes of the job do."""

    # fmt: off
    parameter_sync_discovery: str | None = setting(None, "Push to every serving process, too, that registers "
                                                   "with this backend, whose place is as for --discovery; "
                                                   "default: host-files with a "
                                                   "--parameter-sync-discovery-path, else none.",
                                                   group="parameter sync")
    parameter_sync_discovery_path: Path | None = setting(None, "Folder of that backend, if it is host-files.",
                                                         group="parameter sync")
    discovery_service_type_serving: str = again(Serving, "discovery_service_type_serving")
    # fmt: on

    @property
    def serving(self) -> Serving | None:
        """What it takes to find them; None where nobody is to be looked for."""
        kind, path = self.parameter_sync_discovery, self.parameter_sync_discovery_path
        if kind is None and path is None:
            return None
        return part(Serving, self, discovery=kind, discovery_path=path)

    def rules(self) -> Iterator[Problem]:
        """Of pushing to those that are found; of targets that are named, see `judging.judge`."""
        if self.serving is None:
            return
        if self.parameter_sync_discovery == IN_MEMORY:
            yield Problem(("parameter_sync_discovery",), "must be one that other processes see")
        if trouble := positive(self.parameter_sync_interval_ms):
            yield Problem(("parameter_sync_interval_ms",), trouble)
        for word in ("parameter_sync_model_name", "parameter_sync_signature_name"):
            if trouble := name(getattr(self, word)):
                yield Problem((word,), trouble)
        for role in ("discovery_service_type_ps", "discovery_service_type_worker"):
            if getattr(self, role).lower() == self.discovery_service_type_serving.lower():
                yield Problem((role, "discovery_service_type_serving"), "must be distinct")
