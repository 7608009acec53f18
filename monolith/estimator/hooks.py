"""What happens beside the steps of a training: logging, stopping early, and what users add."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol

import attrs

from monolith.core.errors import ConfigError
from monolith.metrics.streaming import Quality


class HookAction(Enum):
    """What a hook wants next."""

    CONTINUE = "continue"
    STOP = "stop"


@attrs.frozen
class Metrics:
    """What is known after a step: its loss, and how good the predictions of this round have been.

    The figures of `quality` cost time, so they are worked out when somebody asks.
    """

    loss: float
    quality: Quality

    def get(self, name: str) -> float | None:
        """`loss`, or one of the figures of `Quality`; None if there is none of that name."""
        return self.loss if name == "loss" else self.quality.figures().get(name)


class Hook(Protocol):
    """Called around every step with the global step as this worker knows it. An error ends the training."""

    def before_step(self, step: int) -> None: ...
    def after_step(self, step: int, metrics: Metrics) -> HookAction: ...
    def end(self, step: int, metrics: Metrics | None) -> None: ...


class HookBase:
    """A hook that does nothing; override what you need."""

    def before_step(self, step: int) -> None:
        """Nothing."""

    def after_step(self, step: int, metrics: Metrics) -> HookAction:  # noqa: ARG002
        return HookAction.CONTINUE

    def end(self, step: int, metrics: Metrics | None) -> None:
        """Nothing."""


class HookList(HookBase):
    """Hooks in the order given. Once one says stop, those behind it are not asked about that step."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self._hooks = tuple(hooks)

    def before_step(self, step: int) -> None:
        for hook in self._hooks:
            hook.before_step(step)

    def after_step(self, step: int, metrics: Metrics) -> HookAction:
        for hook in self._hooks:
            if hook.after_step(step, metrics) is HookAction.STOP:
                return HookAction.STOP
        return HookAction.CONTINUE

    def end(self, step: int, metrics: Metrics | None) -> None:
        for hook in self._hooks:
            hook.end(step, metrics)


class LoggingHook(HookBase):
    """Tell `say` the loss and AUC once in `every_n` steps, at the first step too if `log_first_step`.

    A worker among others does not see every step: it tells at the first that is not before the next multiple.
    """

    def __init__(
        self, say: Callable[[str], None], every_n: int = 100, *, log_first_step: bool = True
    ) -> None:
        if every_n < 1:
            raise ConfigError([f"every_n={every_n}: must be > 0"])
        self._say = say
        self._every_n = every_n
        self._due = 0 if log_first_step else every_n

    def after_step(self, step: int, metrics: Metrics) -> HookAction:
        if step >= self._due:
            self._due = (step // self._every_n + 1) * self._every_n
            self._say(f"Step {step}: loss = {metrics.loss:.6f}, AUC = {metrics.get('auc'):.4f}")
        return HookAction.CONTINUE

    def end(self, step: int, metrics: Metrics | None) -> None:
        final = f": final loss = {metrics.loss:.6f}" if metrics else ""
        self._say(f"Training finished at step {step}{final}")


class Closeable(Protocol):
    """What can be closed, a second time to no effect."""

    def close(self) -> None: ...


class FileCloseHook(HookBase):
    """Closes files at the end of the training: all of them, then the first error is raised."""

    def __init__(self, files: Iterable[Closeable]) -> None:
        self._files = tuple(files)

    def end(self, step: int, metrics: Metrics | None) -> None:  # noqa: ARG002
        errors = [error for file in self._files if (error := _closing(file))]
        if errors:
            raise errors[0]


class EarlyStoppingHook(HookBase):
    """Stop once `metric` has not improved by more than `min_delta` for `patience` steps in a row.

    Lower is better for losses, higher for everything else. A nan is no improvement.
    """

    def __init__(self, metric: str, patience: int, min_delta: float = 0.0) -> None:
        self._metric = metric
        self._patience = patience
        self._min_delta = min_delta
        self._sign = -1.0 if metric in ("loss", "logloss") else 1.0
        self._best = float("-inf")
        self._waited = 0

    def after_step(self, step: int, metrics: Metrics) -> HookAction:
        value = metrics.get(self._metric)
        if value is None:
            known = ", ".join(["loss", *metrics.quality.figures()])
            raise ConfigError([f"metric={self._metric!r} at step {step}: must be one of: {known}"])
        if self._sign * value > self._best + self._min_delta:
            self._best, self._waited = self._sign * value, 0
        else:
            self._waited += 1
        return HookAction.STOP if self._waited >= self._patience else HookAction.CONTINUE


def _closing(file: Closeable) -> Exception | None:
    try:
        file.close()
    except Exception as error:  # told once all are closed
        return error
    return None
