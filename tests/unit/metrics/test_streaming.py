"""Quality against scikit-learn, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from monolith.core.errors import ModelError
from monolith.metrics.streaming import BINS, Quality


def examples(seed: int, count: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores on bin edges (so that the histogram is exact), labels that follow them, weights."""
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, BINS, count) / BINS
    return scores, (draw.random(count) < scores).astype(float), draw.integers(1, 5, count).astype(float)


def counted(*columns: np.ndarray) -> Quality:
    quality = Quality()
    quality.update(*columns)
    return quality


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_logloss_are_the_oracles(seed):
    scores, labels, weights = examples(seed)
    figures = counted(scores, labels, weights).figures()
    assert figures["auc"] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    kept = np.clip(scores, 1e-7, 1 - 1e-7)
    assert figures["logloss"] == pytest.approx(log_loss(labels, kept, sample_weight=weights))


def test_any_float_scores_cost_little_auc():
    draw = np.random.default_rng(0)
    scores = (draw.random(20_000) ** 4).astype(np.float32)
    labels = (draw.random(20_000) < scores).astype(np.float32)
    assert counted(scores, labels).figures()["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-4)


def test_calibration_is_a_ratio_of_means():
    figures = counted([0.2, 0.4], [0.0, 1.0], [1.0, 3.0]).figures()
    assert figures["calibration"] == pytest.approx((0.2 + 3 * 0.4) / 3)
    assert figures["examples"] == 2


@given(st.integers(0, 99), st.lists(st.integers(0, 500), max_size=4))
def test_parts_merge_to_the_whole(seed, cuts):
    columns = examples(seed)
    whole, merged = counted(*columns), Quality()
    for part in zip(*(np.split(column, sorted(cuts)) for column in columns), strict=True):
        merged.merge(Quality.from_bytes(counted(*part).to_bytes()))
    assert merged.figures() == pytest.approx(whole.figures(), rel=1e-12)


def test_equal_counts_are_equal_bytes():
    assert counted(*examples(3)).to_bytes() == counted(*examples(3)).to_bytes()


def test_few_examples_are_few_bytes():
    assert len(counted([0.5], [1.0]).to_bytes()) < 100


@pytest.mark.parametrize("labels", [[1.0, 1.0], [0.0, 0.0], []])
def test_auc_of_one_class_is_unknown(labels):
    assert np.isnan(counted([0.5] * len(labels), labels).figures()["auc"])


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5, float("inf")])
def test_scores_outside_0_1_are_told(score):
    with pytest.raises(ModelError, match=r"prediction 1 of the batch is .*not in 0..1"):
        counted([0.5, score], [0.0, 1.0])


def test_certain_mistakes_cost_a_finite_loss():
    assert np.isfinite(counted([1.0, 0.0], [0.0, 1.0]).figures()["logloss"])
