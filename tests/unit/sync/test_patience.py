"""Failures are waited out longer and longer, never too long, and not in step with others."""

import pytest

from monolith.sync.patience import Pace, Patience

PACE = Pace(first_s=1, most_s=5, refused_s=20)


@pytest.mark.parametrize(
    ("lasting", "expected"), [(False, [1, 2, 4, 5, 5]), (True, [1, 2, 4, 8, 16, 20, 20])]
)
def test_waits_double_up_to_a_limit(lasting: bool, expected: list[float]) -> None:
    patience = Patience(PACE, lambda: 0.0)
    assert [patience.failed(lasting=lasting) for _ in expected] == expected


def test_success_forgives() -> None:
    patience = Patience(PACE, lambda: 0.0)
    patience.failed(lasting=False)
    patience.succeeded()
    assert patience.failed(lasting=False) == 1


def test_up_to_half_is_drawn_by_lot() -> None:
    assert Patience(PACE, lambda: 0.5).failed(lasting=False) == 0.75


def test_years_of_failures_are_fine() -> None:
    patience = Patience(PACE, lambda: 0.0)
    assert {patience.failed(lasting=False) for _ in range(5_000)} == {1, 2, 4, 5}
