"""Schemas: what they refuse, and that they survive being written."""

from __future__ import annotations

import tomllib

import pytest
import tomli_w

from monolith.core.errors import SchemaError
from monolith.core.schema import Feature, Label, Schema, Split

USER = Feature(name="user", kind="integer", slot=1)
AGE = Feature(name="age", kind="float", width=2)


def schema(*features, **more):
    return Schema(name="mine", features=features, **more)


FULL = schema(
    USER,
    AGE,
    Feature(name="tags", kind="string", slot=2, many=True, separator=";", column="labels"),
    label=Label(column="rating", threshold=4),
    split=Split(time="when", valid=0.2, test=0.0, seed=7),
    weight="w",
    licence="mine",
)


@pytest.mark.parametrize("given", [schema(USER), FULL], ids=["defaults", "everything"])
def test_a_schema_survives_toml(given):
    assert Schema.from_dict(tomllib.loads(tomli_w.dumps(given.to_dict()))) == given


REFUSED = {
    "twice": ([USER, Feature(name="user", kind="float")], "'user' stands there twice"),
    "slot twice": ([USER, Feature(name="item", kind="string", slot=1)], "slot 1 is used twice"),
    "no slot": ([Feature(name="item", kind="string")], "'item' has slot 0, which is not in 1..32767"),
    "slot too large": ([Feature(name="item", kind="string", slot=32768)], "slot 32768"),
    "no width": ([Feature(name="age", kind="float", width=0)], "'age' has width 0"),
}


@pytest.mark.parametrize(("features", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused(features, said):
    with pytest.raises(SchemaError, match=said):
        schema(*features)


@pytest.mark.parametrize("split", [Split(valid=0.5, test=0.5), Split(valid=-0.1)])
def test_a_split_leaves_rows_to_train_on(split):
    with pytest.raises(SchemaError, match="leaves nothing to train on"):
        schema(USER, split=split)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"name": "x"}, "schema 'x' lacks 'features'"),
        (
            {"name": "x", "features": [{"name": "u", "kind": "word"}]},
            "unknown kind 'word': must be one of int",
        ),
        (
            {"name": "x", "features": [{"name": "u", "kind": "string", "red": 1}]},
            "unknown key 'red' in feature 'u' ",
        ),
        ({"name": "x", "features": [{"kind": "string"}]}, "feature lacks 'name'"),
        ({"name": "x", "features": ["u"]}, "feature must be a table of settings, not 'u'"),
        ({"name": "x", "features": [], "label": {"threshhold": 4}}, "did you mean 'threshold'"),
        ({"name": "x", "features": [], "lable": {}}, "did you mean 'label'"),
    ],
)
def test_what_is_no_schema_is_refused(told, said):
    with pytest.raises(SchemaError, match=said):
        Schema.from_dict(told)


def test_a_feature_is_found_by_name():
    assert FULL["age"] is AGE
    assert [f.name for f in FULL.sparse] == ["user", "tags"]
    with pytest.raises(SchemaError, match=r"no feature 'colour' \(features: user, age, tags\)"):
        FULL["colour"]
