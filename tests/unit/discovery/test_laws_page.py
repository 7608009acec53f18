"""docs/discovery.md says what the laws say."""

import pytest

from tests.conformance.laws import LAWS
from tests.conformance.table import PAGE, WORLDS, page


def test_the_page_has_the_table():
    assert PAGE.read_text() == page(PAGE.read_text()), "python -m tests.conformance"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_an_exception_is_from_a_law_with_a_reason(world):
    assert set(world.cannot) <= set(LAWS)
    assert all(world.cannot.values())
