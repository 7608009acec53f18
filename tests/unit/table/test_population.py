"""Who has a row: let in by occurrence, thrown out by age, and when each was updated."""

import numpy as np
import pytest

from monolith.core.arrays import LAST_SECOND
from monolith.table.config import (
    FilterConfig,
    FilterType,
    Segment,
    Sgd,
    SlotOccurrenceThresholdConfig,
    TableConfig,
    Zeros,
)
from monolith.table.index import SUBTABLES
from monolith.table.population import Population
from monolith.table.stats import Tally
from monolith.table.steps import Step

COUNTING = {
    "slot_occurrence_threshold_config": SlotOccurrenceThresholdConfig({}, 2),
    "filter_config": FilterConfig(FilterType.EXACT_COUNTER, 100),
}
FIDS = np.array([3, 1, 2])


def population_of(*, dated=False, filter_state=None, **config):
    config = TableConfig((Segment(2, Zeros(), Sgd(1.0)),), **config)
    return Population(config, 0, Tally(), filter_state, dated=dated)


def step(*fids, counts=None):
    grads = np.ones((len(fids), 2), np.float32)
    return Step(np.array(fids), grads, counts=None if counts is None else np.array(counts))


def test_without_thresholds_everybody_is_let_in():
    population = population_of()
    assert population.admits_all
    assert population.admits(step(1, 2)).all()
    assert (population.on_sight(FIDS), population.filter_bytes, population.filter_state()) == (3, 0, {})


def test_who_occurred_often_enough_is_let_in():
    population = population_of(**COUNTING)
    assert population.on_sight(FIDS) == 0
    told = [population.admits(step(1, 2, counts=[2, 1])).tolist() for _ in range(3)]
    assert told == [[False, False], [True, False], [True, True]]


def test_who_has_a_row_is_not_counted_again():
    population = population_of(**COUNTING)
    population.store.find_or_create(FIDS)
    assert population.admits(step(1, 9)).tolist() == [True, False]


def test_what_a_filter_counted_comes_along():
    population = population_of(**COUNTING)
    population.admits(step(1, counts=[2]))
    other = population_of(**COUNTING, filter_state=population.filter_state())
    assert other.admits(step(1)).all()


def test_only_those_that_are_there_are_evicted():
    population = population_of()
    population.on_sight(FIDS)
    assert population.evict(np.array([1, 7])) == 1
    assert sorted(population.store.index.entries()[0]) == [2, 3]


@pytest.mark.parametrize(("dated", "limits"), [(True, {}), (False, {"max_rows": 9}), (False, {})])
def test_where_somebody_may_have_to_leave_steps_are_times(dated, limits):
    """And of those whose time somebody tells, that is the time, in any case."""
    population, known = population_of(dated=dated, **limits), np.array([0, 5], np.uint32)
    leaving, heard = dated or bool(limits), population.store.times
    assert population.updated_at(None, 7, 2).tolist() == ([7, 7] if leaving else [])
    assert population.updated_at(known, 7, 2).tolist() == [7 if leaving else 0, 5]
    assert population.updated_at(None, LAST_SECOND + 9, 1).tolist() == ([LAST_SECOND] if leaving else [])
    heard.hear(9)
    assert population.updated_at(None, 7, 1).tolist() == ([9] if leaving else [])
    assert heard.told == 5


def test_the_oldest_make_room():
    population = population_of(max_rows=2)
    numbers, _, _ = population.store.find_or_create(FIDS)
    population.store.times.begin(3)
    population.store.times.advance(numbers, np.array([9, 8, 7], np.uint32))
    population.keep_room()
    assert population.store.index.entries()[0].tolist() == [1, 3]
    assert population.retire((0, SUBTABLES), 1, 2) == (2, 1)
    assert population.store.index.entries()[0].tolist() == [3]


def test_rows_of_zeros_are_skipped_whatever_their_state():
    population = population_of()
    population.on_sight(FIDS)
    population.skip_zeros(np.array([1, 1, 4]))
    assert population.store.index.entries()[0].tolist() == [2, 3]


def test_a_sample_speaks_for_all_rows():
    population = population_of(dated=True)
    population.on_sight(np.arange(40_000))
    sample = population.sample()
    assert sample.rows == 40_000
    assert 10_000 < len(sample.times) < 20_000
    assert population.empty_bytes == population_of().memory_bytes
    assert 40_000 * sample.row_bytes == pytest.approx(population.memory_bytes - population.empty_bytes)
