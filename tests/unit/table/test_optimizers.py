"""Each kernel against its formula in float64, over values, widths and repeated rows; and upstream numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.table import optimizers
from monolith.table.config import Adagrad, Adam, Ftrl, Segment, Sgd, TableConfig, Zeros
from monolith.table.layout import initial_state, places
from monolith.table.rows import TableRows
from monolith.table.table import Table
from tests.unit.table import reference
from tests.upstream import by_name

VECTORS = by_name("optimizer")
KINDS = {"sgd": Sgd, "adagrad": Adagrad, "adam": Adam, "ftrl": Ftrl}

part = st.floats(0, 0.875, width=32)
accumulator = st.floats(0.015625, 4, width=32)
settings = st.one_of(
    st.just(Sgd()),
    st.builds(Adagrad, initial_accumulator_value=accumulator, weight_decay_factor=part),
    st.builds(
        Adam,
        beta1=part,
        beta2=part,
        epsilon=accumulator,
        weight_decay_factor=part,
        use_nesterov=st.booleans(),
    ),
    st.builds(
        Ftrl,
        initial_accumulator_value=accumulator,
        beta=part,
        l1_regularization_strength=part,
        l2_regularization_strength=part,
    ),
)


@given(settings, st.integers(1, 40), st.lists(st.integers(0, 3), min_size=1, max_size=6), st.randoms())
def test_kernel_is_its_formula(optimizer, dim, numbers, random):
    """Four rows of two segments, the first of them idle; some rows occur several times, some never."""
    idle = Segment(3, Zeros(), Sgd())
    config = TableConfig((idle, Segment(dim, Zeros(), optimizer)))
    (_, _), (_, place) = places(config)
    generator = np.random.default_rng(random.getrandbits(32))
    state = np.tile(initial_state(optimizer, dim), (4, 1))
    rows = np.hstack([generator.uniform(-1, 1, (4, 3 + dim)), state]).astype(np.float32)
    grads = generator.uniform(-3, 3, (len(numbers), 3 + dim)).astype(np.float32)
    rate = np.float32(generator.uniform(0.01, 1))
    expected = rows.astype(np.float64)
    for number, grad in zip(numbers, grads.astype(np.float64), strict=True):
        w, s = expected[number, 3 : 3 + dim], expected[number, 3 + dim :]
        w[:], s[:] = reference.step(optimizer, w.copy(), s.copy(), grad[3:], float(rate))
    optimizers.update(optimizer, rows, np.array(numbers), grads, place, rate)
    np.testing.assert_allclose(rows, expected, rtol=2e-4, atol=2e-4)


def test_ftrl_at_rate_0_learns_nothing():
    table = Table(TableConfig((Segment(2, optimizer=Ftrl()),)))
    before, _ = table.find_or_insert(np.array([1]))
    table.apply(np.array([1]), np.ones((1, 2)), [0.0])
    np.testing.assert_array_equal(table.find(np.array([1]))[0], before)


@pytest.mark.parametrize("sign", [-1, 1])
def test_l1_shrinks_either_sign(sign):
    """Upstream leaves positive z as large as it was."""
    weights = []
    for l1 in (0.0, 0.5):
        optimizer = Ftrl(l1_regularization_strength=l1)
        table = Table(TableConfig((Segment(1, Zeros(), optimizer),)))
        table.apply(np.array([1]), np.array([[2.0 * sign]]))
        weights.append(abs(float(table.find(np.array([1]))[0][0, 0])))
    assert 0 < weights[1] < weights[0]


def _table(name: str, config: dict, dim: int) -> Table:
    return Table(TableConfig((Segment(dim, Zeros(), KINDS[name](**config)),)))


@pytest.mark.parametrize(
    "name", ["sgd_one_step", "adagrad_one_step", "adam_scalar_two_steps", "ftrl_scalar_two_steps"]
)
def test_steps_are_upstreams(name):
    given, expect = VECTORS[name]["given"], VECTORS[name]["expect"]
    table = _table(given["optimizer"], given["config"], len(given["initial_embedding"]))
    fid = np.array([7])
    for taken, after in zip(given["steps"], expect["embedding_after_each_step"], strict=True):
        table.apply(fid, np.array([taken["grad"]]), [taken["lr"]])
        np.testing.assert_allclose(table.find(fid)[0], [after], atol=VECTORS[name]["tolerance"])


def test_restored_state_goes_on_as_upstreams():
    vector = VECTORS["combined_restore_keeps_accumulators"]
    given, fid = vector["given"], np.array([7])
    segments = [Segment(s["dim"], Zeros(), Adagrad(**s["adagrad"])) for s in given["segments"]]
    rates = [s["lr"] for s in given["segments"]]
    table = Table(TableConfig(segments))
    table.apply(fid, np.array([given["grad"]]), rates)
    saved = table.export()
    table.restore(TableRows(saved.fids, np.zeros_like(saved.values), saved.slots))
    table.apply(fid, np.array([given["grad"]]), rates)
    np.testing.assert_allclose(table.find(fid)[0], [vector["expect"]["embedding"]], atol=vector["tolerance"])


@pytest.mark.parametrize("optimizer", [Sgd(), Adagrad(), Adam(), Ftrl()], ids=lambda o: type(o).__name__)
def test_saved_and_restored_learns_alike(optimizer):
    """Upstream shows it for Adagrad, and fails it for Adam, whose second power it loses."""
    assert VECTORS["adagrad_save_restore_then_same_step_is_identical"]["expect"]["both_embeddings_equal"]
    config, fid = TableConfig((Segment(3, optimizer=optimizer),)), np.array([7])
    first, second = Table(config), Table(config, seed=1)
    first.apply(fid, np.array([[1, -2, 3]]))
    second.restore(first.export())
    for table in (first, second):
        table.apply(fid, np.array([[3, 1, -2]]))
    np.testing.assert_array_equal(first.find(fid)[0], second.find(fid)[0])
