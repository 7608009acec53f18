"""How values are shown to people."""

from pathlib import Path

import pytest

from monolith.cli.screen import Screen, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (1234567, "1,234,567"),
        (0.70066, "0.7007"),
        (0.0, "0.0000"),
        (0.00002, "2.00e-05"),
        (123456.7, "123,457"),
        (float("nan"), "nan"),
        (None, "-"),
        (Path("a/b"), "a/b"),
    ],
)
def test_values_are_readable(value: object, text: str) -> None:
    assert shown(value) == text


def test_json_has_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=True).object({"auc": float("nan"), "rows": [{"loss": float("inf"), "n": 1}]})
    assert capsys.readouterr().out == '{"auc": null, "rows": [{"loss": null, "n": 1}]}\n'
