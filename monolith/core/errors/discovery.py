"""How finding each other goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monolith.core.errors.base import MonolithError, Trouble, cleanup_told

if TYPE_CHECKING:
    from collections.abc import Sequence


class DiscoveryError(MonolithError):
    """Finding each other went wrong."""


class OperationFailed(DiscoveryError):
    """The other side answered, and the answer was an error."""


class BackendFailed(DiscoveryError):
    """What a backend rests on, say a disk, refused."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Internal error: {message}")


class BackendUnreachable(DiscoveryError):
    """The server that a backend asks is not there, or does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Connection failed: {message}")


class BackendWiped(DiscoveryError):
    """The server that a backend asks is another than it was, or has forgotten what it knew."""


class DiscoveryMisconfigured(DiscoveryError):
    """A backend was set up with, or asked for, what cannot be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Configuration error: {message}")


class ServiceNotFound(DiscoveryError):
    """Nothing is registered under this id, or not by us."""

    def __init__(self, service: str) -> None:
        super().__init__(f"Service not found: {service}")
        self.service = service


class AlreadyRegistered(DiscoveryError):
    """The id is taken, and the newcomer does not claim to be its successor."""

    def __init__(self, service: str) -> None:
        super().__init__(f"Service already registered: {service}")
        self.service = service


class TakenOver(DiscoveryError):
    """Another process registered under our service type and index, after us: it is the one that is found."""

    def __init__(self, service: str, *, by: str) -> None:
        super().__init__(
            f"{service} was replaced by another process, at {by}: give each process an index of its own"
        )
        self.service = service
        self.by = by


class OperationTimedOut(DiscoveryError, TimeoutError):
    """The other side did not answer within its budget."""

    def __init__(self, operation: str, after_ms: int, scope: str = "discovery operation") -> None:
        super().__init__(f"Timed out during {scope}: {operation} after {after_ms}ms", operation=operation)
        self.after_ms = after_ms


class LookupMalformed(DiscoveryError):
    """An entry in Consul is not what a process of a job registers; `entry` counts from 0."""

    def __init__(self, entry: int, what: str) -> None:
        super().__init__(f"Malformed consul lookup response at entry {entry}: {what}")
        self.entry = entry


class NeverCleared(DiscoveryError, TimeoutError):
    """Consul was asked again and again to forget who had our place before."""

    def __init__(self, service_type: str, index: int) -> None:
        super().__init__(f"Timed out clearing existing consul registration for {service_type}.{index}")


class HostBlacklisted(DiscoveryError, OSError):
    """Consul accepts what this machine registers, and never shows it."""

    def __init__(self) -> None:
        super().__init__("This machine is blacklisted by consul.")


class CleanupFailed(DiscoveryError):
    """The role succeeded; undoing what it had begun did not."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        first = troubles[0]
        super().__init__(first.said, operation=first.operation)
        self.cleanup = tuple(troubles)

    def __str__(self) -> str:
        first, *rest = self.cleanup
        led = str(first) if rest else first.said
        return " ".join([led, *cleanup_told(rest or [first], "after successful role completion")])


class DiscoveryClosed(DiscoveryError):
    """The backend was disconnected before it was asked."""


class ShardsNotFound(DiscoveryError):
    """Patience ran out before enough parameter servers were seen."""

    def __init__(self, message: str, *, found: int, expected: int) -> None:
        super().__init__(message)
        self.found = found
        self.expected = expected
