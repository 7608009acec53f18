"""Laws × scenarios."""

import pytest

from tests.matrix.axes import Scenario
from tests.matrix.laws import LAWS
from tests.matrix.play import play
from tests.matrix.specs.lifecycle import LIFECYCLE


@pytest.mark.parametrize("scenario", list(LIFECYCLE), ids=str)
def test_every_law_holds(scenario: Scenario) -> None:
    outcome = play(scenario)
    for law in LAWS:
        law(scenario, outcome)


def test_every_hole_has_its_reason() -> None:
    product = list(LIFECYCLE.product())
    assert len({str(scenario) for scenario, _ in product}) == len(product)
    assert {why for _, why in product} > {None}
