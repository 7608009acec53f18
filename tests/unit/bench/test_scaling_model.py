"""What a model of scaling must keep to, whatever the costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.harness.scaling_model import Cost, Costs, bend, fitted, predict, sharing

micro = st.floats(1e-6, 1e-3)
nano = st.floats(1e-9, 1e-6)
sides = st.builds(Cost, micro, nano)
jobs = st.builds(Costs, sides, sides, st.just(144.0), st.floats(1e8, 1e10))
batches = st.integers(64, 1 << 20)
counts = st.integers(1, 64)


@given(sides)
def test_a_line_is_fitted(cost: Cost) -> None:
    sizes = (256, 4096, 16384)
    found = fitted(sizes, [cost.of(1, n) for n in sizes])
    assert (found.message, found.id) == pytest.approx((cost.message, cost.id), rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("seconds", [(4.0, 1.0), (1.0, 100.0)])
def test_no_cost_is_below_zero(seconds: tuple[float, float]) -> None:
    found = fitted((1, 10), seconds)
    assert min(found.message, found.id) == 0
    assert max(found.message, found.id) > 0


@given(jobs, batches, counts, counts)
def test_no_resource_is_overrun(costs: Costs, batch: int, shards: int, workers: int) -> None:
    rate = predict(costs, batch, shards, workers).ids_per_s
    assert rate <= workers / costs.worker.id * (1 + 1e-9)
    assert rate <= shards / costs.server.id * (1 + 1e-9)
    assert rate * costs.bytes_per_id <= min(shards, workers) * costs.bytes_per_s * (1 + 1e-9)


@given(jobs, batches, counts)
def test_more_workers_never_harm(costs: Costs, batch: int, shards: int) -> None:
    rates = [predict(costs, batch, shards, workers).ids_per_s for workers in (1, 2, 3)]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("worker", "server", "link", "bound"),
    [
        (Cost(0, 1), Cost(0, 1e-3), 1e9, "workers' ids"),
        (Cost(1, 1e-9), Cost(0, 1e-3), 1e9, "workers' messages"),
        (Cost(0, 1e-3), Cost(0, 1), 1e9, "servers' ids"),
        (Cost(0, 1e-9), Cost(10, 1e-3), 1e9, "servers' messages"),
        (Cost(0, 1e-9), Cost(0, 1e-9), 1.0, "workers' links"),
    ],
)
def test_the_bound_has_a_name(worker: Cost, server: Cost, link: float, bound: str) -> None:
    assert predict(Costs(worker, server, 1.0, link), 64, 4, 1).bound == bound


def test_it_bends_where_messages_cost_half() -> None:
    costs = Costs(Cost(0, 1e-12), Cost(100e-6, 100e-9), 1.0, 1e12)
    batch, shards = 16_000, 16
    linear = shards / costs.server.id
    assert predict(costs, batch, shards, shards).ids_per_s == pytest.approx(linear / 2)
    bent = bend(costs, batch, 64, many_workers=True)
    assert bent
    assert (bent.bound, bent.shards) == ("servers' messages", shards + 3)  # one server sends messages too


def test_what_costs_only_ids_never_bends() -> None:
    assert bend(Costs(Cost(0, 1e-9), Cost(0, 1e-7), 1.0, 1e12), 16_000, 64, many_workers=True) is None


@given(jobs, batches, counts)
def test_cores_that_are_shared_help_less(costs: Costs, batch: int, shards: int) -> None:
    alone = predict(Costs(costs.worker, costs.server, 1.0, 1e15), batch, shards, 1).ids_per_s
    shared = [sharing(costs, batch, shards, cores) for cores in (1, 2, shards + 1)]
    assert shared == sorted(shared)
    assert shared[-1] == pytest.approx(alone)
