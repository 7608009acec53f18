"""Laws × scenarios."""

from dataclasses import replace

import pytest

from tests.matrix.axes import Names, Scenario
from tests.matrix.laws import LAWS
from tests.matrix.play import info, play
from tests.matrix.specs.lifecycle import LIFECYCLE

SCENARIOS = list(LIFECYCLE)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_every_law_holds(scenario: Scenario) -> None:
    outcome = play(scenario)
    for law in LAWS:
        law(scenario, outcome)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.names is Names.CUSTOM], ids=str)
def test_names_change_and_nothing_else(scenario: Scenario) -> None:
    plain = replace(scenario, names=Names.DEFAULT)
    there, here = info(scenario).service_type, info(plain).service_type
    assert str(play(scenario).error).replace(there, here) == str(play(plain).error)


def test_every_hole_has_its_reason() -> None:
    product = list(LIFECYCLE.product())
    assert len({str(scenario) for scenario, _ in product}) == len(product)
    assert {why for _, why in product} > {None}
