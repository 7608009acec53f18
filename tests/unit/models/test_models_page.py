"""docs/models.md shows a model that is one."""

from pathlib import Path

import torch

from monolith.core.schema import Schema
from monolith.estimator.trainer import assemble
from monolith.models.registry import load_model

SCHEMA = {
    "name": "liking",
    "features": [
        {"name": "user", "kind": "integer", "slot": 1},
        {"name": "item", "kind": "string", "slot": 2},
        {"name": "age", "kind": "float"},
    ],
    "label": {"column": "likes"},
}


def test_what_is_shown_gives_logits(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    (tmp_path / "my_model.py").write_text(page.split("```python\n")[1].split("```")[0])
    parts = assemble(load_model(f"{tmp_path}/my_model.py:Likes")(), Schema.from_dict(SCHEMA))
    rows = {column.name: torch.zeros(3, *column.shape) for column in parts.columns}
    assert parts.module(rows, {"age": torch.zeros(3, 1)}).shape == (3,)
