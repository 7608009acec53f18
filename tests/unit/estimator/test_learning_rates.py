"""Rates against their formulas."""

import math

import pytest

from monolith.core.errors import ConfigError
from monolith.estimator.learning_rates import Constant, PolynomialDecay, WarmUp, rate_at
from tests.upstream import vectors


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.01), (1, 0.02), (2, 0.03), (10, 0.11), (99, 0.11)],
)
def test_polynomial_runs_then_stays_flat(step, expected):
    assert PolynomialDecay(0.01, 10, 0.11)(step) == pytest.approx(expected)


@pytest.mark.parametrize("vector", vectors("learning_rate"))
def test_polynomial_is_upstreams(vector):
    given, expect = vector["given"], vector["expect"]
    rates = [
        PolynomialDecay(given["initial"], given["decay_steps"], given["end"], given["power"])
        for _ in range(2)
    ]
    assert [rates[0](step) for step in given["global_steps"]] == pytest.approx(expect["lr"])
    assert (str(rates[0]) == str(rates[1])) == expect["equal_configs_have_equal_str"]


def test_no_steps_are_over_at_once():
    assert [PolynomialDecay(0.1, 0, 0.5)(step) for step in (0, 1)] == pytest.approx([0.1, 0.5])
    assert WarmUp(0, 0.1)(0) == 0.1


@pytest.mark.parametrize(("step", "expected"), [(5, 0.25), (10, 0.0), (15, 0.0625), (20, 0.0)])
def test_cycling_polynomial_starts_again(step, expected):
    assert PolynomialDecay(1.0, 10, 0.0, power=2.0, cycle=True)(step) == pytest.approx(expected)


@pytest.mark.parametrize("after", [0.4, Constant(0.4), PolynomialDecay(0.4, 10, 0.4)])
def test_warm_up_rises_to_what_follows(after):
    rate = WarmUp(4, after)
    assert [rate_at(rate, step) for step in (0, 1, 4, 50)] == pytest.approx([0.0, 0.1, 0.4, 0.4])


def test_equal_rates_can_share_a_table():
    assert WarmUp(4, PolynomialDecay(0.1, 9)) == WarmUp(4, PolynomialDecay(0.1, 9))
    assert hash(PolynomialDecay(0.1, 9)) != hash(PolynomialDecay(0.1, 8))


BAD = {
    "Constant learning_rate='0.1'": lambda: Constant("0.1"),
    "PolynomialDecay initial_learning_rate=None": lambda: PolynomialDecay(None, 10),
    "PolynomialDecay decay_steps='10'": lambda: PolynomialDecay(0.1, "10"),
    "PolynomialDecay power=-1": lambda: PolynomialDecay(0.1, 10, power=-1),
    "WarmUp warmup_steps='4'": lambda: WarmUp("4", 0.1),
    "WarmUp after 'x'": lambda: WarmUp(4, "x"),
}


@pytest.mark.parametrize("culprit", BAD)
def test_impossible_rates_are_refused(culprit):
    with pytest.raises(ConfigError, match=rf"^{culprit}: must be"):
        BAD[culprit]()


def test_a_function_that_does_not_say_what_it_takes_is_believed():
    assert WarmUp(2, math.hypot)(3) == 3.0
