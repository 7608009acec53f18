"""What an operator reads, for one naming: a page to be read as a whole."""

import pytest
from syrupy.assertion import SnapshotAssertion

from monolith.core.names import Role
from tests.matrix.axes import Mode, Names, Scenario
from tests.matrix.play import play
from tests.matrix.specs.lifecycle import LIFECYCLE

READ = [
    s
    for s in LIFECYCLE
    if (s.role, s.index, s.names) == (Role.WORKER, 0, Names.DEFAULT)
    and s.disconnect is not Mode.HANGS
    and (s.fault or s.deregister is not Mode.OK or s.disconnect is not Mode.OK)
]


@pytest.mark.parametrize("scenario", READ, ids=str)
def test_diagnosis(scenario: Scenario, snapshot: SnapshotAssertion) -> None:
    error = play(scenario).error
    told = [str(error), *getattr(error, "__notes__", ())]
    assert "\n".join(told) == snapshot
