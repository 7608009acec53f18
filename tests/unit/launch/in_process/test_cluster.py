"""A whole job in one process: who may do what when, and what a step does."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.core.errors import (
    ClusterError,
    ClusterMisused,
    CommunicationError,
    EpochTimedOut,
    ParameterNotFound,
)
from monolith.launch.in_process.epochs import Released, Waiting
from monolith.ps.placement import ps_index
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from tests.unit.launch.in_process.conftest import RealClock, make

NAMES = st.sampled_from(["weights", "bias", "emb", "param_0"])
VECTORS = st.lists(st.integers(-9, 9), max_size=4)
PARTIAL = "local cluster is not fully running"
NEED_ALL = {
    "register": lambda c: c.register_parameter("w", [1]),
    "train": lambda c: c.train_step(0, {}),
    "sync": lambda c: c.sync_barrier(0),
    "wait": lambda c: c.wait_for_barrier(0, 1, 1),
}


def refused(call):
    """What is said against `call`, without what all refusals begin with."""
    with pytest.raises(ClusterMisused, match=r"^Invalid cluster configuration: ") as caught:
        call()
    return str(caught.value).removeprefix("Invalid cluster configuration: ")


@settings(max_examples=60)
@given(
    st.dictionaries(NAMES, VECTORS),
    st.dictionaries(NAMES, VECTORS),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 1]),
)
def test_a_step_is_all_or_nothing(values, gradients, num_ps, rate):
    cluster = make(num_ps, learning_rate=rate)
    cluster.start()
    for name, vector in values.items():
        assert cluster.register_parameter(name, vector) == ps_index(name, num_ps)
    expected = {name: np.array(vector, np.float32) for name, vector in values.items()}
    unfit = [name for name, g in gradients.items() if len(g) != len(values.get(name, [None] * 9))]
    if unfit:
        with pytest.raises((ParameterNotFound, CommunicationError)):
            cluster.train_step(1, gradients)
    else:
        for name, gradient in gradients.items():
            expected[name] -= np.float32(rate) * np.array(gradient, np.float32)
        after = cluster.train_step(1, gradients)
        assert list(after) == sorted(gradients)
        np.testing.assert_equal(after, {name: expected[name] for name in gradients})
    for name, vector in expected.items():
        np.testing.assert_array_equal(cluster.get_parameter(name), vector)
    changes = {name: 1 + (not unfit and name in gradients) for name in values}
    assert {n: v for server in cluster.servers for n, v in server.versions.items()} == changes
    assert sum(server.num_parameters for server in cluster.servers) == len(values)
    assert [cluster.worker_step(worker) for worker in (0, 1)] == [0, 0 if unfit else 1]


@pytest.mark.parametrize(
    ("gradients", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "Communication error: Gradient size mismatch: expected 3, got 2"),
        ({"b": [1], "a": [1, 2, 3]}, "Parameter not found: b"),
        ({"b": [1], "c": [1]}, "Parameter not found: b"),
    ],
)
def test_the_first_unfit_name_is_told(cluster, gradients, said):
    cluster.register_parameter("a", [0, 0, 0])
    with pytest.raises(ClusterError) as caught:
        cluster.train_step(0, gradients)
    assert str(caught.value) == said


def test_registering_again_replaces(cluster):
    for values in ([1, 2], [[3, 4], [5, 6]]):
        index = cluster.register_parameter("w", values)
    np.testing.assert_array_equal(cluster.get_parameter("w"), [3, 4, 5, 6])
    assert cluster.servers[index].versions["w"] == 2
    cluster.get_parameter("w")[:] = 0  # a copy
    assert cluster.get_parameter("w").all()


def test_nothing_registered_is_none(cluster):
    assert cluster.get_parameter("w") is None


def test_workers_share_the_rows_of_real_tables(cluster):
    fids = np.array([1, 2, 4])
    tables = {"t": TableConfig([Segment(1, Zeros(), Sgd(1.0))])}

    async def rows() -> np.ndarray:
        one, other = (worker.client for worker in cluster.workers)
        for client in (one, other):
            await client.create_tables(tables)
            await client.apply({"t": (fids, np.ones((3, 1), np.float32))})
        return (await other.lookup({"t": fids}))["t"]

    np.testing.assert_array_equal(asyncio.run(rows()), np.full((3, 1), -2))
    assert [server.shard.state.stats().tables[0].rows for server in cluster.servers] == [2, 1]


def test_all_start_and_all_stop(cluster):
    roles = [*cluster.servers, *cluster.workers]
    cluster.register_parameter("w", [1])
    cluster.stop()
    assert not any(role.running for role in roles)
    np.testing.assert_array_equal(cluster.get_parameter("w"), [1])
    cluster.start()
    assert all(role.running for role in roles)
    np.testing.assert_array_equal(cluster.train_step(0, {"w": [2]})["w"], [0])


@pytest.mark.parametrize("role", ["servers", "workers"])
def test_each_role_starts_and_stops_in_turns(role):
    one = getattr(make(), role)[1]
    name = {"servers": "parameter server 1", "workers": "worker 1"}[role]
    assert refused(one.stop) == f"{name} is not running"
    one.start()
    assert refused(one.start) == f"{name} is already running"


def test_a_cluster_starts_and_stops_in_turns():
    cluster = make()
    assert refused(cluster.stop) == "local cluster is not running"
    cluster.workers[0].start()
    assert refused(cluster.start) == "local cluster is already running"
    cluster.stop()  # what runs
    cluster.start()
    assert refused(cluster.start) == "local cluster is already running"


@pytest.mark.parametrize("call", NEED_ALL.values(), ids=NEED_ALL)
@pytest.mark.parametrize("role", ["servers", "workers"])
def test_work_needs_everyone(cluster, call, role):
    getattr(cluster, role)[1].stop()
    assert refused(lambda: call(cluster)) == PARTIAL


def test_a_stopped_worker_makes_no_step(cluster):
    cluster.workers[0].stop()
    with pytest.raises(CommunicationError, match=r"^Communication error: Worker is not running$"):
        cluster.workers[0].step()


@pytest.mark.parametrize("index", [-1, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda c, i: c.train_step(i, {}),
        lambda c, i: c.worker_step(i),
        lambda c, i: c.sync_barrier(i),
        lambda c, i: c.wait_for_barrier(i, 1, 1),
    ],
)
def test_only_workers_that_are_there_act(cluster, call, index):
    assert refused(lambda: call(cluster, index)) == f"Worker index {index} out of range"


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (float("nan"), "learning_rate must be finite"),
        (float("-inf"), "learning_rate must be finite"),
        (1e39, "learning_rate must be finite"),
        (-0.1, "learning_rate must be non-negative, got -0.1"),
        (-2, "learning_rate must be non-negative, got -2"),
    ],
)
def test_rates_that_cannot_be(rate, said):
    assert refused(lambda: make(learning_rate=rate)) == said


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((5, 0), "a non-zero poll interval"),
        ((5, -1), "a non-zero poll interval"),
        ((-1, 5), "timeout_ms >= 0, got -1"),
    ],
)
def test_times_that_cannot_be(cluster, times, said):
    assert refused(lambda: cluster.wait_for_barrier(0, *times)) == f"wait_for_barrier requires {said}"
    assert cluster.sync_barrier(1) == Waiting(0, 1, 2)


def test_a_timeout_says_where_and_how_long(cluster):
    with pytest.raises(EpochTimedOut, match=r"^Barrier timeout at epoch 0 after 25 ms$"):
        cluster.wait_for_barrier(0, 25, 10)
    assert cluster.sync_barrier(1) == Waiting(0, 1, 2)


def test_an_interrupted_wait_leaves_every_epoch(cluster, clock):
    cluster.sync_barrier(0)
    cluster.train_step(0, {})
    clock.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        cluster.wait_for_barrier(0, 100, 10)
    assert cluster.sync_barrier(1) == Waiting(0, 1, 2)


def test_a_timed_out_wait_leaves_its_epoch_only(cluster):
    cluster.sync_barrier(0)
    cluster.train_step(0, {})
    with pytest.raises(EpochTimedOut):
        cluster.wait_for_barrier(0, 10, 10)
    assert cluster.sync_barrier(1) == Released(0, 2)


def test_stopping_ends_a_wait(cluster, clock):
    clock.meanwhile = cluster.stop
    assert refused(lambda: cluster.wait_for_barrier(0, 100, 10)) == PARTIAL


def test_workers_train_in_threads_of_their_own():
    # Every worker takes the same steps, so whoever runs ahead of a barrier would leave the rest to time out.
    steps, cluster = 20, make(num_ps=2, num_workers=3, learning_rate=1, clock=RealClock())
    cluster.start()
    cluster.register_parameter("w", [0, 0])

    def work(worker):
        for epoch in range(steps):
            assert cluster.wait_for_barrier(worker, 20_000, 1) == Released(epoch, 3)
            cluster.train_step(worker, {"w": [1, worker]})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    np.testing.assert_array_equal(cluster.get_parameter("w"), [-3 * steps, -3 * steps])
