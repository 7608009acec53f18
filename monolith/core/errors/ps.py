"""How parameter servers, tables and barriers go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monolith.core.errors.base import MonolithError

if TYPE_CHECKING:
    from collections.abc import Sequence


class PsError(MonolithError):
    """A parameter server could not do what it was asked. `shard` is its index, -1 when not known."""

    def __init__(self, message: str, *, shard: int = -1) -> None:
        super().__init__(message)
        self.shard = shard


class ShardUnavailable(PsError):
    """A parameter server did not answer: it is not there, or not in time."""


class ShardRestarted(PsError):
    """A parameter server answers that is not the one the job began with: its rows are gone."""

    def __init__(self, shard: int, *, checkpoint: str | None = None) -> None:
        self.checkpoint = checkpoint
        super().__init__(f"ps-{shard} was restarted and lost its rows", shard=shard)

    def sentence(self) -> str:
        resume = f"resume from {self.checkpoint}" if self.checkpoint else "start the job again"
        return f"{super().sentence()}: {resume}"


class TableNotFound(PsError):
    """No table of that name has been created on this server."""

    def __init__(self, table: str, *, known: Sequence[str] = (), shard: int = -1, advice: str = "") -> None:
        there = ", ".join(sorted(known)) or "none"
        super().__init__(f"Table not found: {table} (tables here: {there}){advice}", shard=shard)
        self.table = table
        self.known = tuple(sorted(known))


class TableConflict(PsError):
    """A table exists under this name with another definition."""

    def __init__(self, table: str, there: str, asked: str, *, shard: int = -1) -> None:
        super().__init__(f"Table {table} exists as {there}, asked for {asked}", shard=shard)
        self.table = table


class DenseNotFound(PsError):
    """No dense value of that name has been set on this server."""

    def __init__(self, tensor: str, *, shard: int = -1) -> None:
        super().__init__(f"Dense value not found: {tensor} was never set", shard=shard)
        self.tensor = tensor


class DimensionMismatch(PsError, ValueError):
    """A row length is not the table's."""

    def __init__(self, expected: int, got: int, *, what: str = "", shard: int = -1) -> None:
        suffix = f" ({what})" if what else ""
        super().__init__(f"Dimension mismatch: expected {expected}, got {got}{suffix}", shard=shard)
        self.expected = expected
        self.got = got


class GradientNotFinite(PsError, ValueError):
    """A gradient is NaN or infinite, and what travelled with it was refused as well."""

    def __init__(self, fid: int, value: float, column: int, table: str, *, shard: int = -1) -> None:
        super().__init__(
            f"the gradient of fid {fid} in column {column} of {table} is {value}, so all of its request was "
            "refused: lower the learning rates, or let the servers skip or clip such gradients",
            shard=shard,
        )
        self.fid = fid
        self.value = value


class BarrierError(PsError):
    """Meeting the other workers went wrong."""

    def __init__(self, message: str, *, barrier: str, worker: int, shard: int = -1) -> None:
        super().__init__(message, shard=shard)
        self.barrier = barrier
        self.worker = worker


class BarrierTimedOut(BarrierError, TimeoutError):
    """Not everyone arrived in time; a note says who did not.

    `missing` are the indices of those who had not when `worker` gave up; None when the server, which would
    know, did not answer.
    """

    def __init__(
        self, *, barrier: str, worker: int, missing: Sequence[int] | None, expected: int, after_ms: int
    ) -> None:
        super().__init__("Barrier timeout", barrier=barrier, worker=worker)
        self.missing = None if missing is None else tuple(missing)
        self.arrived = None if missing is None else expected - len(missing)
        self.expected = expected
        self.after_ms = after_ms
        self.add_note(self._who(barrier))

    def _who(self, barrier: str) -> str:
        if self.missing is None:
            return f"no answer about {barrier} within {self.after_ms}ms"
        named = ", ".join(f"worker-{index}" for index in self.missing[:5])
        more = f" and {rest} more" if (rest := len(self.missing) - 5) > 0 else ""
        there = f"{self.arrived} of {self.expected} arrived at {barrier} within {self.after_ms}ms"
        return f"{there}, missing {named}{more}"


class BarrierMisused(BarrierError):
    """Someone came twice, out of range, or with another count: `problem` says it without the preamble."""

    def __init__(
        self,
        problem: str,
        *,
        barrier: str,
        worker: int,
        shard: int = -1,
        preamble: str = "Invalid configuration",
    ) -> None:
        super().__init__(f"{preamble}: {problem}", barrier=barrier, worker=worker, shard=shard)
        self.problem = problem


class BarrierRpcError(BarrierError):
    """The server of a barrier could not be asked, or could not do what it was asked."""


class RemoteError(PsError):
    """A peer answered with a status this program does not know."""

    def __init__(self, message: str, *, code: int, shard: int = -1) -> None:
        super().__init__(message, shard=shard)
        self.code = code
