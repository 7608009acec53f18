"""docs/models.md goes from a file to a model that is trained, evaluated and exported."""

import shlex
import tomllib
from pathlib import Path

import pytest
import torch

from monolith.cli.main import main
from monolith.core.schema import Schema
from monolith.estimator.trainer import assemble
from monolith.models.registry import load_model

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()


def shown(language: str) -> list[str]:
    """The blocks of the page in this language."""
    return [block.split("```")[0] for block in PAGE.split(f"```{language}\n")[1:]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the page says is there, with enough rows to split."""
    header, *rows = shown("csv")[0].splitlines()
    (tmp_path / "likes.csv").write_text("\n".join([header, *rows * 50]))
    (tmp_path / "likes.toml").write_text(shown("toml")[0])
    (tmp_path / "my_model.py").write_text(shown("python")[0])
    monkeypatch.syspath_prepend(tmp_path)  # taken back, whatever the model puts there
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_shown_gives_logits(folder):
    schema = Schema.from_dict(tomllib.loads(shown("toml")[0]))
    parts = assemble(load_model("my_model.py:Likes")(), schema)
    rows = {column.name: torch.zeros(3, *column.shape) for column in parts.columns}
    assert parts.module(rows, {"age": torch.zeros(3, 1)}).shape == (3,)


def test_what_is_typed_gives_an_export(folder):
    lines = shown("sh")[0].splitlines()
    before_serving = lines[: [line.startswith("monolith serve") for line in lines].index(True)]
    assert [main(shlex.split(line)[1:], {}) for line in before_serving] == [0] * 4
    assert list(folder.glob("exported/likes/*/manifest.json"))


def test_a_column_may_be_told_what_is_shown():
    exec(f"from monolith.estimator.columns import FeatureColumn\n{shown('python')[1]}", {})
