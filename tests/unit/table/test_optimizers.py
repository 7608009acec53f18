"""Each kernel against its formula in float64, over values, widths and repeated rows; and upstream numbers."""

from typing import get_args

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monolith.ps.definition import OPTIMIZERS
from monolith.table.config import (
    Adadelta,
    Adagrad,
    BatchSoftmax,
    Constants,
    Dc,
    DynamicWdAdagrad,
    Ftrl,
    GroupAdaGrad,
    GroupFtrl,
    Rmsprop,
    Segment,
    Sgd,
    StochasticRoundingFloat16,
    TableConfig,
    Zeros,
)
from monolith.table.layout import PARTS, initial_state
from monolith.table.optimizer_config import Plain
from monolith.table.rows import TableRows
from monolith.table.table import Table
from tests.unit.table import reference
from tests.unit.table.strategies import any_of
from tests.upstream import by_name, vectors

VECTORS = by_name("optimizer")
FID = np.array([7])
PLAIN = get_args(Plain)

accumulator = st.floats(0.015625, 4, width=32)
FIELDS = {"initial_accumulator_value": accumulator, "epsilon": accumulator}


def one_segment(optimizer, dim=1, initializer=Zeros()):
    return Table(TableConfig((Segment(dim, initializer, optimizer),)))


def value_of(table):
    return table.find(FID)[0][0]


@pytest.mark.parametrize("kind", PLAIN)
@settings(max_examples=40)
@given(st.data(), st.integers(1, 40), st.lists(st.integers(0, 3), min_size=1, max_size=6), st.randoms())
def test_kernel_is_its_formula(kind, data, dim, numbers, random):
    """Four rows of two segments, the first of them idle; some rows occur several times, some never."""
    optimizer, dim = data.draw(any_of(kind, **FIELDS)), 1 if kind is BatchSoftmax else dim
    config = TableConfig((Segment(3, Zeros(), Sgd()), Segment(dim, Zeros(), optimizer)))
    generator = np.random.default_rng(random.getrandbits(32))
    state = np.tile(initial_state(optimizer, dim), (4, 1))
    rows = np.hstack([generator.uniform(-1, 1, (4, 3 + dim)), state]).astype(np.float32)
    grads = generator.uniform(-3, 3, (len(numbers), 3 + dim)).astype(np.float32)
    rate, step = np.float32(generator.uniform(0.01, 1)), data.draw(st.integers(0, 2**40))
    expected = rows.astype(np.float64)
    for number, grad in zip(numbers, grads.astype(np.float64), strict=True):
        w, s = expected[number, 3 : 3 + dim], expected[number, 3 + dim :]
        w[:], s[:] = reference.step(optimizer, w.copy(), s.copy(), grad[3:], float(rate), step)
    table = Table(config)
    table.restore(TableRows(np.arange(4), rows[:, : 3 + dim], rows[:, 3 + dim :]))
    table.apply(np.array(numbers), grads, [0, rate], step)
    after = table.export()
    np.testing.assert_allclose(np.hstack([after.values, after.slots]), expected, rtol=2e-4, atol=3e-4)


@pytest.mark.parametrize("kind", PLAIN)
def test_rate_0_moves_no_weight(kind):
    """Also where a formula divides by it; a moving average has no rate."""
    table = one_segment(kind(), initializer=Constants(0.5))
    table.apply(FID, np.ones((1, 1)), [0.0], 5)
    expected = 0.55 if kind().__class__.__name__ == "MovingAverage" else 0.5
    np.testing.assert_allclose(value_of(table), [expected], rtol=1e-6)


@pytest.mark.parametrize("optimizer", [Ftrl(l1_regularization_strength=0.5), GroupFtrl(1.0, 0.1, 0.0, 0.5)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_l1_shrinks_either_sign(optimizer, sign):
    """Upstream leaves positive z as large as it was."""
    weights = []
    for one in (attrs.evolve(optimizer, l1_regularization_strength=0.0), optimizer):
        table = one_segment(one)
        table.apply(FID, np.array([[2.0 * sign]]))
        weights.append(abs(float(value_of(table)[0])))
    assert 0 < weights[1] < weights[0]


@pytest.mark.parametrize(
    "optimizer",
    [GroupFtrl(0.1, l1_regularization_strength=2.0), GroupAdaGrad(0.1, l2_regularization_strength=2.0)],
)
@pytest.mark.parametrize(("gradient", "zero"), [([1.0, 1.0, 0.9], True), ([2.0, 0.1, 0.0], False)])
def test_group_is_all_zero_or_none(optimizer, gradient, zero):
    table = one_segment(optimizer, 3)
    table.apply(FID, np.array([gradient]))
    assert (value_of(table)[:2] == 0).tolist() == [zero, zero]


@pytest.mark.parametrize("kind", [Adagrad, DynamicWdAdagrad, GroupAdaGrad])
def test_first_gradient_of_nothing_is_sound(kind):
    table = one_segment(kind(initial_accumulator_value=0.0), 2, Constants(0.5))
    table.apply(FID, np.zeros((1, 2)))
    assert value_of(table).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("kind", [Adagrad, DynamicWdAdagrad])
def test_accumulators_may_start_at_nothing(kind):
    """The first step is then as long as the rate, however large the gradient; none is one of 0."""
    table = one_segment(kind(initial_accumulator_value=0.0), 3)
    table.apply(FID, np.array([[2.0, 0.0, -1e-9]]), [0.5])
    np.testing.assert_allclose(value_of(table), [-0.5, 0.0, 0.5])


def test_rmsprop_listens_to_the_rate():
    """Upstream takes the one of its configuration."""
    table = one_segment(Rmsprop(learning_rate=0.5))
    table.apply(FID, np.ones((1, 1)), [0.0])
    assert value_of(table).tolist() == [0.0]


@pytest.mark.parametrize(
    "vector",
    vectors(
        "optimizer",
        "adadelta_scalar_two_steps",
        "adagrad_one_step",
        "adam_scalar_two_steps",
        "amsgrad_vector_two_steps",
        "ftrl_scalar_two_steps",
        "group_adagrad_zero_lambda",
        "momentum_scalar_two_steps",
        "momentum_vector_two_steps",
        "moving_average_scalar_two_steps",
        "moving_average_vector_two_steps",
        "rmsprop_scalar_two_steps",
        "sgd_one_step",
    ),
)
def test_steps_are_upstreams(vector):
    given, expect, near = vector["given"], vector["expect"], vector["tolerance"]
    optimizer = OPTIMIZERS[given["optimizer"]](**given["config"])
    table = one_segment(optimizer, len(given["initial_embedding"]))
    for taken, after in zip(given["steps"], expect["embedding_after_each_step"], strict=True):
        table.apply(FID, np.array([taken["grad"]]), [taken["lr"]])
        np.testing.assert_allclose(table.find(FID)[0], [after], atol=near)
        if taken is given["steps"][0]:
            _state_is(table, optimizer, expect.get("state", {}))


@pytest.mark.parametrize(
    "vector", vectors("optimizer", "delay_compensated_adadelta_scalar", "delay_compensated_adadelta_vector")
)
def test_compensation_is_upstreams(vector):
    given, expect = vector["given"], vector["expect"]
    optimizer = Dc(Adadelta(), given["lambda"])
    table = one_segment(optimizer, len(given["grad"]))
    steps = zip(given["latest_value_per_step"], expect["embedding_after_each_step"], strict=True)
    for number, (latest, after) in enumerate(steps):
        table.apply(FID, np.array([given["grad"]]), [given["lr"]], latest=np.array([latest]))
        np.testing.assert_allclose(value_of(table), after, atol=vector["tolerance"])
        if number == 0:
            _state_is(table, optimizer.optimizer, expect["state"])


def _state_is(table, optimizer, expect):
    for part in PARTS[type(optimizer)]:
        if f"{part.name}_after_step1" in expect:
            at = [p.name for p in PARTS[type(optimizer)]].index(part.name) * table.dim
            kept = table.export().slots[0, at : at + table.dim]
            np.testing.assert_allclose(
                kept, expect[f"{part.name}_after_step1"], atol=expect["state_tolerance"]
            )


@pytest.mark.parametrize("dim", VECTORS["adagrad_vectorised_equals_baseline"]["given"]["dims"])
def test_width_does_not_matter(dim):
    vector, random = VECTORS["adagrad_vectorised_equals_baseline"], np.random.default_rng(dim)
    given = vector["given"]
    optimizer = Adagrad(given["lr"], weight_decay_factor=given["weight_decay"])
    norm, grad = random.uniform(0.1, 1, dim), random.uniform(-1, 1, dim)
    table = one_segment(optimizer, dim)
    table.restore(TableRows(FID, np.zeros((1, dim)), norm[None]))
    table.apply(FID, grad[None])
    expected, _ = reference.step(optimizer, np.zeros(dim), norm, grad, given["lr"])
    np.testing.assert_allclose(value_of(table), expected, atol=vector["tolerance"])


def test_restored_state_goes_on_as_upstreams():
    vector = VECTORS["combined_restore_keeps_accumulators"]
    given = vector["given"]
    segments = [Segment(s["dim"], Zeros(), Adagrad(**s["adagrad"])) for s in given["segments"]]
    rates = [s["lr"] for s in given["segments"]]
    table = Table(TableConfig(segments))
    table.apply(FID, np.array([given["grad"]]), rates)
    saved = table.export()
    table.restore(TableRows(saved.fids, np.zeros_like(saved.values), saved.slots))
    table.apply(FID, np.array([given["grad"]]), rates)
    np.testing.assert_allclose(value_of(table), vector["expect"]["embedding"], atol=vector["tolerance"])


@pytest.mark.parametrize("kind", PLAIN)
def test_saved_and_restored_learns_alike(kind):
    """Upstream shows it for Adagrad, and fails it for Adam, whose second power it loses."""
    assert VECTORS["adagrad_save_restore_then_same_step_is_identical"]["expect"]["both_embeddings_equal"]
    dim = 1 if kind is BatchSoftmax else 3
    config = TableConfig((Segment(dim, optimizer=StochasticRoundingFloat16(kind())), Segment(2)))
    first, second = Table(config), Table(config)
    first.apply(FID, np.arange(2.0 + dim)[None], step=2**25 + 1)
    second.restore(first.export())
    for table in (first, second):
        table.apply(FID, 1 - np.arange(2.0 + dim)[None], step=2**25 + 4)
    np.testing.assert_array_equal(value_of(first), value_of(second))


@pytest.mark.parametrize("step", [5, 2**24 - 3, 2**24, 2**40 + 1])
def test_batch_softmax_counts_exactly(step):
    """Steps that float32 cannot hold."""
    table = one_segment(BatchSoftmax())
    for at in (step, step + 7):
        table.apply(FID, np.zeros((1, 1)), [1.0], at)
    assert value_of(table).tolist() == [7.0]


def test_batch_softmax_learns_intervals():
    vector = by_name("hash_table")["batch_softmax_interval_converges"]
    given = vector["given"]
    table = one_segment(BatchSoftmax(given["opt"]["batch_softmax"]["lr"]))
    for step in range(given["steps"]):
        seen = [fid for fid, every in enumerate((5, 10)) if step % every == 0]
        table.apply(np.array(seen, np.int64), np.zeros((len(seen), 1)), step=step)
    often = 1 / np.maximum(table.find(np.array([0, 1]))[0][:, 0], 1)
    expected = vector["expect"]["inverse_of_max(value,1)"]
    np.testing.assert_allclose(often, expected, atol=vector["tolerance"])
