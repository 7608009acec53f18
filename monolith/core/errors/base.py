"""What all errors have in common, and those that belong to no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


def told(error: BaseException) -> str:
    """What `error` says, and below it what was noted beside it: for people."""
    return "\n  ".join([str(error), *getattr(error, "__notes__", ())])


class MonolithError(Exception):
    """Base of all. Carries what was being done, and what went wrong while undoing it."""

    def __init__(self, message: str, *, operation: str = "") -> None:
        super().__init__(message)
        self.operation = operation
        self.cleanup: tuple[Trouble, ...] = ()

    def sentence(self) -> str:
        """What went wrong, without what went wrong after it."""
        return super().__str__()

    def __str__(self) -> str:
        return " ".join([self.sentence(), *cleanup_told(self.cleanup)])


class Trouble(NamedTuple):
    """What went wrong while a step was undone, in words: an error may be raised again, and then say more."""

    operation: str
    said: str
    error: MonolithError

    def __str__(self) -> str:
        return f"{self.operation}: {self.said}"


def cleanup_told(troubles: Sequence[Trouble], when: str = "after role error") -> list[str]:
    """What is said beside an error of what went wrong while undoing: one parenthesis, or nothing."""
    items = "; ".join(map(str, troubles))
    return [f"(discovery cleanup encountered issues {when}: {items})"] if items else []


class ConfigError(MonolithError, ValueError):
    """Settings that cannot be: each line names the culprits, their values and where those came from."""

    def __init__(self, said: Sequence[str], problems: Sequence[object] = ()) -> None:
        super().__init__("\n".join(said))
        self.problems = tuple(problems)


class MissingExtra(MonolithError):
    """An optional library is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional library: pip install 'monolith-recsys[{extra}]'")
        self.extra = extra


class DistributedRuntimeError(MonolithError):
    """A distributed run that an estimator was asked for went wrong; `__cause__` is how."""


class Stopped(MonolithError):
    """Someone asked for an end before the role had begun."""


class ModelError(MonolithError):
    """A model is unknown, or is not what a model must be."""

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class RoundFailed(MonolithError):
    """Another worker could not do its part of a round; what it said is in the message."""


class QueueClosed(MonolithError):
    """A queue takes nothing any more, or has nothing left to give."""

    def __init__(self) -> None:
        super().__init__("queue closed")


class PipelineFull(MonolithError):
    """More calls were put off than steps came to make them."""

    def __init__(self, function: str, capacity: int) -> None:
        super().__init__(
            f"{capacity} calls of {function} wait for a step: call it at most once a step, and give its hook "
            "to the training"
        )
        self.function = function
