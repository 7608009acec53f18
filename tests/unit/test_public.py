"""What the package gives to whoever imports it."""

import importlib

import pytest

import monolith


@pytest.mark.parametrize("name", monolith.__all__)
def test_public_names_lead_to_where_they_live(name: str) -> None:
    public = getattr(monolith, name)
    assert public is getattr(importlib.import_module(public.__module__), name)
    assert public.__module__.startswith("monolith.")


def test_the_table_and_the_list_agree() -> None:
    assert sorted(monolith._HOMES) == monolith.__all__ == sorted(monolith.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = monolith.Nothing
