"""Which columns share a table, what it is called, and how fast its segments learn."""

import pytest

from monolith.estimator.columns import FeatureColumn
from monolith.estimator.learning_rates import PolynomialDecay
from monolith.estimator.tables import configs, plan_tables
from monolith.table.config import Adagrad, Ftrl, Segment, Sgd, Zeros

BIAS = Segment(1, Zeros(), Ftrl(learning_rate=0.5))


def column(name: str, dim: int = 4, **more) -> FeatureColumn:
    return FeatureColumn(name, dim, **more)


def names(*columns: FeatureColumn) -> list[str]:
    return list(plan_tables(columns))


def test_a_column_alone_names_its_table():
    assert names(column("movie"), column("user", 8)) == ["movie", "user"]


def test_equal_columns_share_a_table():
    assert names(column("movie", bias=BIAS), column("user", bias=BIAS)) == ["dim5-adagrad-d55570ef"]


def test_columns_alike_share_their_budget():
    limits = {"max_rows": 9, "memory_budget_bytes": 10**6}
    [table] = plan_tables([column("a", **limits), column("b", **limits)]).values()
    assert (table.config.max_rows, table.config.memory_budget_bytes) == (9, 10**6)


def test_a_table_keeps_its_name_in_any_order():
    assert names(column("a"), column("b")) == names(column("b"), column("a"))


@pytest.mark.parametrize(
    "other",
    [
        {"optimizer": Sgd()},
        {"initializer": Zeros()},
        {"bias": BIAS},
        {"learning_rate": 0.1},
        {"dim": 5},
        {"max_rows": 9},
        {"memory_budget_bytes": 10**6},
    ],
)
def test_columns_that_differ_live_apart(other):
    assert names(column("a"), column("b", **other)) == ["a", "b"]


def test_combiners_do_not_part_columns():
    [table] = plan_tables([column("a"), column("b", combiner="mean"), column("c")]).values()
    assert [[c.name for c in pool] for pool in table.pools] == [["a", "c"], ["b"]]


def test_rates_are_taken_at_the_step():
    decay = PolynomialDecay(0.01, 10, 0.11)
    [table] = plan_tables([column("a", bias=BIAS, learning_rate=decay)]).values()
    assert table.learning_rates(1) == pytest.approx((0.5, 0.02))


def test_own_rates_need_not_be_told():
    [table] = plan_tables([column("a", bias=BIAS, optimizer=Adagrad(0.3))]).values()
    assert table.learning_rates(7) == ()


def test_servers_are_told_the_configs():
    tables = plan_tables([column("a", 2), column("b", 3)])
    assert {name: config.dim for name, config in configs(tables).items()} == {"a": 2, "b": 3}
