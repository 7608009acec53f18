"""What all processes of a distributed job are told alike, but for their index.

No field has a check of its own: which of them matter depends on the role, see `judging.judge`.
"""

from __future__ import annotations

import attrs

from monolith.config.settings import Settings, setting


@attrs.frozen(kw_only=True, slots=False)  # without slots it can stand beside other settings as a base
class Cluster(Settings):
    """Who takes part, how they find each other, and how patient they are."""

    # fmt: off
    index: int = setting(0, "Which of its role this process is, from 0; worker 0 is the chief.",
                         group="cluster")
    num_ps: int = setting(0, "Parameter servers in the job.", group="cluster")
    num_workers: int = setting(1, "Workers in the job.", group="cluster", flag="--num-workers-cluster")
    discovery_service_type_ps: str = setting("ps", "What parameter servers register as.", group="discovery")
    discovery_service_type_worker: str = setting("worker", "What workers register as.", group="discovery")
    discovery_operation_timeout_ms: int = setting(5_000, "Budget of one connect, register or discover.",
                                                  group="discovery")
    discovery_cleanup_timeout_ms: int = setting(200, "Budget of one deregister or disconnect.",
                                                group="discovery")
    connect_retries: int = setting(6, "Further looks for the parameter servers after the first.",
                                   group="discovery")
    retry_backoff_ms: int = setting(500, "Time between two looks.", group="discovery")
    barrier_timeout_ms: int = setting(10_000, "How long a worker waits for the others before the first step.",
                                      group="cluster")
    table_name: str = setting("emb", "Table of a client that names none.", group="tables")
    dim: int = setting(64, "Row length of a table that is created without one.", group="tables")
    parameter_sync_targets: tuple[str, ...] = setting((), "[https://]host:port[?interval-ms=N] of a "
                                                      "serving process to push changed rows to, repeatable.",
                                                      group="parameter sync", flag="--parameter-sync-target")
    parameter_sync_interval_ms: int = setting(200, "Time between two pushes to a target "
                                              "that names none of its own.", group="parameter sync")
    parameter_sync_model_name: str = setting("default", "Model that the pushed rows belong to.",
                                             group="parameter sync")
    parameter_sync_signature_name: str = setting("serving_default", "Signature that takes the rows.",
                                                 group="parameter sync")
    # fmt: on
