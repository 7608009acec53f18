"""Functions put off by a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.errors import PipelineFull
from monolith.estimator.around import Around
from monolith.estimator.async_push import CAPACITY, AsyncFunctionMgr
from monolith.estimator.hooks import HookAction, HookBase, HookList
from monolith.estimator.session import TrainingSession
from monolith.models.lr import LogisticRegression
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Constants, Segment, Sgd, TableConfig
from tests.upstream import by_name


def test_dense_values_lag_by_one_step():
    vector = by_name("async_push")["dense_lags_embedding_by_one_step"]
    given, expect = vector["given"], vector["expect"]
    manager, fid = AsyncFunctionMgr(is_async=given["async"]), np.array([7])
    embedding, used = np.array(given["embedding"], np.float32), given["used_slice_dim"]
    with BlockingClient.local([LocalShard(0)]) as client:
        segment = Segment(embedding.size, Constants(embedding[0, 0]), Sgd(1.0))
        client.create_tables({"t": TableConfig([segment])})
        client.set_dense({"var": np.array([given["dense_var"]], np.float32)}, overwrite=True)
        push_later = manager.add_async_function(client.push_dense)
        hooks = HookList(manager.hooks)
        for step in range(given["steps"]):
            hooks.before_step(step)
            gradient = (np.arange(embedding.size) < used).astype(np.float32)
            client.apply({"t": (fid, gradient[None])})
            push_later({"var": np.array([-1], np.float32)})
        assert client.push_dense({"var": np.zeros(1, np.float32)})["var"] == expect["var"]
        np.testing.assert_array_equal(client.lookup({"t": fid})["t"], expect["embedding"])


@pytest.mark.parametrize(
    ("by_manager", "by_function"), [(False, None), (True, False)], ids=["manager", "function"]
)
def test_what_is_not_put_off_is_done_at_once(by_manager, by_function):
    vector = by_name("async_push")["sync_function_runs_at_once"]
    x = np.array(vector["given"]["x"])
    manager = AsyncFunctionMgr(is_async=by_manager)
    add_one = manager.add_async_function(lambda: np.add(x, 1, out=x), is_async=by_function)
    assert add_one() is None
    assert x == vector["expect"]["x"]
    assert manager.hooks == []


@given(st.lists(st.sampled_from(["step", "call"]), max_size=12))
def test_each_step_does_the_oldest_call(acts):
    manager, done, called, steps_with_work = AsyncFunctionMgr(), [], 0, 0
    later = manager.add_async_function(lambda *numbers, more: done.append((*numbers, more)))
    for act in acts:
        if act == "call":
            later(called, more=-called)
            called += 1
        else:
            steps_with_work += called > steps_with_work
            manager.hooks[0].before_step(0)
        assert done == [(number, -number) for number in range(steps_with_work)]
    manager.hooks[0].end(0, None)
    assert done == [(number, -number) for number in range(called)]


def test_functions_do_not_wait_for_each_other():
    manager, done = AsyncFunctionMgr(is_async=False), []
    first = manager.add_async_function(lambda: done.append("first"), is_async=True)
    second = manager.add_async_function(lambda: done.append("second"), is_async=True)
    first()
    first()
    second()
    HookList(manager.hooks).before_step(1)
    assert done == ["first", "second"]


def test_more_than_is_ever_done_is_refused():
    def push():
        """Nothing."""

    later = AsyncFunctionMgr().add_async_function(push)
    for _ in range(CAPACITY):
        later()
    with pytest.raises(PipelineFull, match="1024 calls of push wait for a step"):
        later()


class Pushing(HookBase):
    """Calls `push` with the number of each step."""

    def __init__(self, push):
        self._push = push

    def after_step(self, step, metrics):
        self._push(step)
        return HookAction.CONTINUE


def test_a_training_does_all_that_was_put_off(dataset, config):
    manager, pushed, told = AsyncFunctionMgr(), [], []
    hooks = [Pushing(manager.add_async_function(pushed.append)), *manager.hooks, Pushing(told.append)]
    with BlockingClient.local([LocalShard(0)]) as client:
        session = TrainingSession(LogisticRegression(), dataset, client, config, around=Around(hooks=hooks))
        result = session.run()
    assert pushed == told
    assert len(pushed) == result.global_step
