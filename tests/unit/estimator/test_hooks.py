"""Hooks: order, logging, early stopping."""

import pytest

from monolith.core.errors import ConfigError
from monolith.estimator.hooks import (
    EarlyStoppingHook,
    FileCloseHook,
    HookAction,
    HookBase,
    HookList,
    LoggingHook,
    Metrics,
)
from monolith.metrics.streaming import Quality

GO, STOP = HookAction.CONTINUE, HookAction.STOP


def at(loss: float) -> Metrics:
    quality = Quality()
    quality.update([0.25, 0.75], [0.0, 1.0])
    return Metrics(loss, quality)


class Recorder(HookBase):
    def __init__(self, log, name, action=GO):
        self.log, self.name, self.action = log, name, action

    def before_step(self, step):
        self.log.append(f"{self.name} before {step}")

    def after_step(self, step, metrics):
        self.log.append(f"{self.name} after {step}")
        return self.action

    def end(self, step, metrics):
        self.log.append(f"{self.name} end {step}")


def test_hooks_are_called_in_order():
    log = []
    hooks = HookList([Recorder(log, "a"), Recorder(log, "b")])
    hooks.before_step(1)
    assert hooks.after_step(1, at(0.5)) is GO
    hooks.end(2, None)
    assert log == ["a before 1", "b before 1", "a after 1", "b after 1", "a end 2", "b end 2"]


def test_nobody_is_asked_after_a_stop():
    log = []
    hooks = HookList([Recorder(log, "a", STOP), Recorder(log, "b")])
    assert hooks.after_step(3, at(0.5)) is STOP
    assert log == ["a after 3"]


@pytest.mark.parametrize(("first", "steps"), [(True, [0, 2, 4]), (False, [2, 4])])
def test_logging_comes_every_n_steps(first, steps):
    said = []
    hook = LoggingHook(said.append, every_n=2, log_first_step=first)
    for step in range(5):
        hook.after_step(step, at(0.5))
    assert said == [f"Step {step}: loss = 0.500000, AUC = 1.0000" for step in steps]


@pytest.mark.parametrize(
    ("metrics", "text"),
    [(None, "Training finished at step 9"), (at(0.25), "Training finished at step 9: final loss = 0.250000")],
)
def test_logging_tells_the_end(metrics, text):
    said = []
    LoggingHook(said.append).end(9, metrics)
    assert said == [text]


@pytest.mark.parametrize(
    ("losses", "stops_at"),
    [
        ([0.9, 0.8, 0.7, 0.6], None),
        ([0.9, 0.9, 0.9], 2),
        ([0.9, 0.85, 0.85], 2),  # 0.05 better is not better by more than min_delta
        ([0.9, 1.0, 0.7, 1.0, 1.0], 4),
        ([0.9, float("nan"), float("nan")], 2),
    ],
)
def test_early_stopping_waits_two_steps(losses, stops_at):
    hook = EarlyStoppingHook("loss", patience=2, min_delta=0.06)
    actions = [hook.after_step(step, at(loss)) for step, loss in enumerate(losses)]
    assert (actions.index(STOP) if STOP in actions else None) == stops_at


def test_higher_is_better_but_for_losses():
    hook = EarlyStoppingHook("auc", patience=1)
    assert [hook.after_step(step, at(0.5)) for step in range(2)] == [GO, STOP]


def test_a_metric_nobody_has_is_told():
    with pytest.raises(ConfigError, match=r"metric='acu' at step 3: must be one of: loss, auc, logloss"):
        EarlyStoppingHook("acu", patience=1).after_step(3, at(0.5))


def test_logging_does_not_need_every_step() -> None:
    said: list[str] = []
    hook = LoggingHook(said.append, every_n=10)
    for step in range(157, 190, 3):
        hook.after_step(step, at(0.5))
    assert [line.split(":")[0] for line in said] == ["Step 157", "Step 160", "Step 172", "Step 181"]


class Closing:
    def __init__(self, error=None):
        self.closed, self.error = 0, error

    def close(self):
        self.closed += 1
        if self.error:
            raise self.error


def test_the_end_closes_all_files():
    files = [Closing(), Closing(KeyError("first")), Closing(KeyError("second")), Closing()]
    with pytest.raises(KeyError, match="first"):
        FileCloseHook(files).end(9, None)
    assert [file.closed for file in files] == [1, 1, 1, 1]
    FileCloseHook([Closing()]).end(9, None)
