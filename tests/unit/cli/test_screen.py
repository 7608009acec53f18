"""How values are shown to people."""

import errno
import io
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from monolith.cli.bars import bars
from monolith.cli.command import Report
from monolith.cli.command import Table as Listing
from monolith.cli.screen import Screen, _drawn, shown


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


def test_what_is_shown_without_a_terminal_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=False)
    screen.begin("training", 10, "batches")
    screen.show("now is good", [{"by": "now", "auc": 0.75}])
    assert capsys.readouterr().err == "now is good\n"


class Gone(io.StringIO):
    """A terminal that went away, in the middle."""

    there = True

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self.there:
            raise OSError(errno.EIO, "Input/output error")
        return len(text)


def test_nobody_who_can_be_told_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Gone()
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = Screen(as_json=False)
    screen.begin("training", 10, "batches")
    terminal.there = False
    screen.show("now is good", [{"by": "now", "auc": 0.75}])
    screen.advance(3, loss=0.5)
    screen.say("Step 3")
    screen.begin("testing", 10, "batches")
    screen.end()
    terminal.there = True
    screen.say("Step 4")
    assert sys.stderr is terminal


def test_what_is_shown_takes_the_place_of_what_was() -> None:
    drawn = bars("batches")
    for name in ("before", "after"):
        drawn.show(Table(name))
    seen = io.StringIO()
    Console(file=seen).print(drawn)
    assert "after" in seen.getvalue()
    assert "before" not in seen.getvalue()


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    seen = io.StringIO()
    Console(file=seen).print(_drawn(Listing(("by",), [("[fd00::7]:8500",), (":100:",)])))
    assert "[fd00::7]:8500" in seen.getvalue()
    assert ":100:" in seen.getvalue()


def test_a_pipe_has_room_for_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    names = tuple(f"column {n}" for n in range(30))
    table = Listing(names, [tuple(range(30))])
    Screen(as_json=False).report(Report(title="wide", table=table))
    assert any(all(name in line for name in names) for line in capsys.readouterr().out.splitlines())
