"""How good predictions are, counted as they come: nothing is kept but sums and two histograms.

The figures of a whole are the merged figures of its parts, however it was cut.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monolith.core.errors import ModelError

BINS = 1 << 16  # scores closer than this may count as ties
_EPSILON = 1e-7  # a float32 this close to 0 or 1 still has a logarithm worth adding up
_HEAD = struct.Struct("<q4dI")

Sums = NDArray[np.float64]


class Quality:
    """AUC, log loss and calibration of predicted probabilities.

    The AUC (Fawcett 2006, "An introduction to ROC analysis": the odds that a positive scores above a
    negative, ties counting half) is exact for scores rounded to multiples of 1 / 65536. Labels between 0
    and 1 count in part as positive and in part as negative.

    >>> quality = Quality()
    >>> quality.update([0.9, 0.2, 0.6, 0.3], [1, 0, 0, 1])
    >>> quality.figures()["auc"]
    0.75
    """

    def __init__(self) -> None:
        self._examples = 0
        self._weight = 0.0
        self._predicted = 0.0
        self._labelled = 0.0
        self._loss = 0.0
        self._histogram: Sums = np.zeros((BINS, 2))  # weight of negatives and positives by score

    def update(self, predictions: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> None:
        """Count a batch: probabilities, labels in 0..1 and weights, each (B,); weights default to 1.

        Raises:
            ModelError: a prediction is not a number in 0..1.
        """
        scores = np.asarray(predictions, np.float64)
        wanted = np.asarray(labels, np.float64)
        weight = np.ones_like(scores) if weights is None else np.asarray(weights, np.float64)
        _check(scores)
        self._examples += len(scores)
        self._weight += float(weight.sum())
        self._predicted += float(weight @ scores)
        self._labelled += float(weight @ wanted)
        self._loss += float(weight @ _losses(scores, wanted))
        bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
        np.add.at(self._histogram[:, 0], bins, weight * (1 - wanted))
        np.add.at(self._histogram[:, 1], bins, weight * wanted)

    def pass_over(self, examples: int) -> None:
        """Count so many examples of which no probability was predicted."""
        self._examples += examples

    def merge(self, other: Quality) -> None:
        """Count all that `other` has counted."""
        self._examples += other._examples
        self._weight += other._weight
        self._predicted += other._predicted
        self._labelled += other._labelled
        self._loss += other._loss
        self._histogram += other._histogram

    @classmethod
    def merged(cls, parts: Iterable[Quality]) -> Quality:
        """All that the parts have counted."""
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole

    @property
    def examples(self) -> int:
        return self._examples

    def figures(self) -> dict[str, float]:
        """`auc`, `logloss` (nats), `calibration` (mean prediction / mean label), `examples`.

        A figure that the examples do not decide is nan: the AUC where one class is missing.
        """
        return {
            "auc": self._auc(),
            "logloss": _ratio(self._loss, self._weight),
            "calibration": _ratio(self._predicted, self._labelled),
            "examples": float(self._examples),
        }

    def to_bytes(self) -> bytes:
        """Everything counted, the empty bins left out. The same counts give the same bytes."""
        used = np.flatnonzero(self._histogram.any(axis=1)).astype("<u4")
        sums = (self._weight, self._predicted, self._labelled, self._loss)
        head = _HEAD.pack(self._examples, *sums, len(used))
        return b"".join((head, used.tobytes(), self._histogram[used].astype("<f8").tobytes()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Quality:
        quality = cls()
        examples, weight, predicted, labelled, loss, count = _HEAD.unpack_from(data)
        quality._examples, quality._weight, quality._predicted = examples, weight, predicted
        quality._labelled, quality._loss = labelled, loss
        used = np.frombuffer(data, "<u4", count, _HEAD.size)
        held = np.frombuffer(data, "<f8", 2 * count, _HEAD.size + used.nbytes)
        quality._histogram[used] = held.reshape(-1, 2)
        return quality

    def _auc(self) -> float:
        negatives, positives = self._histogram.T
        below = np.cumsum(negatives) - negatives
        pairs = negatives.sum() * positives.sum()
        return _ratio(float(positives @ (below + negatives / 2)), float(pairs))


def _losses(scores: Sums, labels: Sums) -> Sums:
    kept = np.clip(scores, _EPSILON, 1 - _EPSILON)
    losses: Sums = -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))
    return losses


def _check(scores: Sums) -> None:
    wrong = ~((scores >= 0) & (scores <= 1))  # so written, it is true of nan
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ModelError(f"prediction {first} of the batch is {scores[first]}, which is not in 0..1")


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")
