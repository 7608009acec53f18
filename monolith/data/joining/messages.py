"""Impressions and actions as messages, and the examples that they become."""

from __future__ import annotations

import json

from monolith.core.errors import DataError
from monolith.wire import example_pb2 as pb
from monolith.wire.columns import LABEL, TIME
from monolith.wire.examples import parsed

# A message may be written in pieces: what is appended is added to what stands there.
_LABELS = tuple(pb.Example(label=[label]).SerializeToString() for label in (0.0, 1.0))


def unlabelled(value: bytes, time: int, rate: float) -> bytes:
    """An Example that carries all but its label: the impression's features, its time and the rate.

    `time` in ms. A rate at which the impression itself was drawn is multiplied with `rate`.

    Raises:
        DataError: `value` is no Example, or says of itself that it was drawn at an impossible rate.
    """
    example = parsed(pb.Example, value)
    kept = [one for one in example.named_feature if one.name not in (LABEL, TIME)]
    if len(kept) < len(example.named_feature):
        del example.named_feature[:]
        example.named_feature.extend(kept)
    example.ClearField("label")
    example.named_feature.add(name=TIME).feature.int64_value = time // 1000
    drawn = example.line_id.sample_rate or 1.0  # 1 where nothing is said
    if not 0 < drawn <= 1:
        raise DataError(f"its sample rate is {drawn}: must be above 0 and at most 1")
    example.line_id.sample_rate = drawn * rate
    return bytes(example.SerializeToString())


def labelled(value: bytes, label: int) -> bytes:
    """What `unlabelled` made, with its label."""
    return value + _LABELS[label]


def kind_of(value: bytes) -> str:
    """What the action of a message was: {"kind": "click"}, and whatever else stands there.

    Raises:
        DataError: it says nothing of the sort.
    """
    try:
        told = json.loads(value)
    except (ValueError, RecursionError) as exc:
        raise DataError(f"it is no JSON ({exc})") from exc
    kind = told.get("kind") if isinstance(told, dict) else None
    if not isinstance(kind, str):
        raise DataError('it is no JSON object with the kind of the action, as {"kind": "click"}')
    return kind
