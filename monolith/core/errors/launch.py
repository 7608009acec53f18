"""How the processes of a job go wrong, real or in one process."""

from __future__ import annotations

from monolith.core.errors.base import MonolithError


class LaunchError(MonolithError):
    """Starting or watching the processes of a job went wrong."""


class RoleDied(LaunchError):
    """A process of the job ended when it should not have."""

    def __init__(self, message: str, *, role: str, status: int) -> None:
        super().__init__(message)
        self.role = role
        self.status = status


class ClusterError(LaunchError):
    """A job in one process was asked for what it cannot do."""


class ClusterMisused(ClusterError):
    """The cluster cannot be, or is not in the state for this."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid cluster configuration: {message}")


class CommunicationError(ClusterError):
    """A role of the cluster cannot take what was sent to it."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Communication error: {message}")


class ParameterNotFound(ClusterError):
    """No parameter of that name has been registered."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"Parameter not found: {parameter}")
        self.parameter = parameter


class EpochTimedOut(ClusterError, TimeoutError):
    """Not all workers came to the barrier of an epoch in time."""

    def __init__(self, epoch: int, after_ms: int) -> None:
        super().__init__(f"Barrier timeout at epoch {epoch} after {after_ms} ms")
        self.epoch = epoch
        self.after_ms = after_ms
