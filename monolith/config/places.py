"""Where the processes of a job find each other: the settings of every backend."""

from __future__ import annotations

from pathlib import Path

import attrs

from monolith.config.checks import positive
from monolith.config.settings import Settings, setting


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside other settings as a base
class Places(Settings):
    """A backend's name, and the places of all of them: each takes its own."""

    # fmt: off
    discovery: str | None = setting(None, "Where processes find each other; default: host-files with a "
                                    "--discovery-path, else in-memory, which no other process sees.",
                                    group="discovery")
    discovery_path: Path | None = setting(None, "Folder of the host-files backend; all processes see it.",
                                          group="discovery")
    zk_hosts: str | None = setting(None, "ZooKeeper's servers, host:port,host:port.", group="discovery")
    zk_base_path: str = setting("/monolith/default", "ZooKeeper node that holds the job's.", group="discovery")
    zk_session_timeout_secs: float = setting(30.0, "ZooKeeper forgets a process that was silent for so long.",
                                             group="discovery", check=positive)
    # fmt: on

    @property
    def kind(self) -> str:
        """The name of the backend, chosen or not."""
        return self.discovery or ("host-files" if self.discovery_path else "in-memory")
