"""What an operator reads, for one naming: a page to be read as a whole.

That other names change nothing else is a law, and so is that the doors agree: one of each is enough.
"""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.matrix.axes import Door, Mode, Names, Scenario
from tests.matrix.laws import troubles
from tests.matrix.play import play
from tests.matrix.specs.lifecycle import LIFECYCLE


def worth_reading(s: Scenario) -> bool:
    """One naming, one door, and of the cleanup what differs in more than a word."""
    one_naming = (s.index, s.names, s.door) == (0, Names.DEFAULT, Door.RUNNER)
    alike = s.deregister is s.disconnect or Mode.OK in (s.deregister, s.disconnect)
    return one_naming and alike and (s.fault is not None or bool(troubles(s)))


READ = [s for s in LIFECYCLE if worth_reading(s)]


@pytest.mark.parametrize("scenario", READ, ids=str)
def test_diagnosis(scenario: Scenario, snapshot: SnapshotAssertion) -> None:
    outcome = play(scenario)
    assert folded("\n".join([str(outcome.error), *outcome.notes])) == snapshot


def folded(text: str) -> str:
    """One thought a line: a message itself is one long line."""
    return text.replace(" (", "\n  (").replace("; ", ";\n   ")
