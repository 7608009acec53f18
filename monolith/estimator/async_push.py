"""Functions whose work is done one step later: a step need not wait for what it pushes.

The first call only fills the pipeline; from the second step on, the work of the step before is done before
the step begins. What is left at the end of the training is done then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec

from monolith.core.errors import PipelineFull
from monolith.estimator.hooks import HookBase, Metrics

P = ParamSpec("P")
CAPACITY = 1024  # calls of one function that may wait for a step


class AsyncPushHook(HookBase):
    """Does, before each step, the oldest thing that was put off; at the end, all that is left."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: deque[Callable[[], object]] = deque()

    def put_off(self, work: Callable[[], object]) -> None:
        """Do `work` before a later step.

        Raises:
            PipelineFull: too much waits already; the steps do not keep up, or there are none.
        """
        if len(self._waiting) >= CAPACITY:
            raise PipelineFull(self._name, CAPACITY)
        self._waiting.append(work)

    def before_step(self, step: int) -> None:  # noqa: ARG002
        if self._waiting:
            self._waiting.popleft()()

    def end(self, step: int, metrics: Metrics | None) -> None:  # noqa: ARG002
        while self._waiting:
            self._waiting.popleft()()


class AsyncFunctionMgr:
    """Puts functions off, each in a pipeline of its own. Give its `hooks` to the training.

    Args:
        is_async: whether functions are put off where nothing else is said.
    """

    def __init__(self, *, is_async: bool = True) -> None:
        self._is_async = is_async
        self.hooks: list[AsyncPushHook] = []

    def add_async_function(
        self, target: Callable[P, Any], *, is_async: bool | None = None
    ) -> Callable[P, None]:
        """`target`, put off: calling it keeps the arguments, which must not change until they are used.

        With `is_async` False (None: as the manager says) it is called at once.
        """
        if not (self._is_async if is_async is None else is_async):
            return partial(_at_once, target)
        hook = AsyncPushHook(getattr(target, "__name__", repr(target)))
        self.hooks.append(hook)

        def later(*args: P.args, **kwargs: P.kwargs) -> None:
            hook.put_off(partial(target, *args, **kwargs))

        return later


def _at_once(target: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
    target(*args, **kwargs)
