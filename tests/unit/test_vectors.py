"""A published vector is used by a test, or says why not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.upstream import areas, by_name, listed

_FOLDER = Path(__file__).parents[1]
_NODES = [
    node
    for path in _FOLDER.rglob("test_*.py")
    if path != Path(__file__)
    for node in ast.walk(ast.parse(path.read_text()))
]
_TEXTS = {node.value for node in _NODES if isinstance(node, ast.Constant)}
_FUNCTIONS = {node.name for node in _NODES if isinstance(node, ast.FunctionDef)}
_FILTERED = {id(node.iter) for node in _NODES if isinstance(node, ast.comprehension)}


def _taken_whole(area: str) -> bool:
    """Whether some test runs over `vectors(area)`, none of them left out."""
    calls = (node for node in _NODES if isinstance(node, ast.Call) and id(node) not in _FILTERED)
    return any(ast.unparse(call) == f"vectors({area!r})" for call in calls)


@pytest.mark.parametrize("area", areas())
def test_every_vector_is_used(area: str) -> None:
    unnamed = by_name(area).keys() - _TEXTS - _FUNCTIONS
    assert not unnamed or _taken_whole(area)


@pytest.mark.parametrize("area", areas())
def test_every_vector_unused_says_why(area: str) -> None:
    assert all(one["area"] == area and one.get("out", "used") for one in listed(area))
