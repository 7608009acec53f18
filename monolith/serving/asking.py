"""Ask a running server for predictions without waiting for them."""

from __future__ import annotations

import math
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

import grpc
import numpy as np

from monolith.core.arrays import Floats
from monolith.core.batch import Batch
from monolith.core.errors import ServingError
from monolith.serving.client import batch_inputs, request_of
from monolith.wire.channel import kept_open
from monolith.wire.tensors import to_array
from monolith.wire.tf_rpc import PREDICTION, STALENESS, method

_OUTPUT = "prediction"  # what an export of ours calls it
_CONNECT_MS = 1_000


class Answer(NamedTuple):
    """What a replica predicted, (B,), and how far it was behind then; nan where it does not say."""

    predictions: Floats
    staleness_s: float


def request_about(model: str, batch: Batch) -> Any:
    """What any replica of `model` is asked about a batch. Labels travel too; a server looks at ids only."""
    request = request_of(model, batch_inputs(batch))
    request.output_filter.append(_OUTPUT)
    return request


class GrpcReplica:
    """A connection to one server, until it is closed. Answers come, or fail, within `timeout_s`."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(address, options=kept_open(_CONNECT_MS))
        self._predict: Any = method(self._channel, PREDICTION, "Predict")

    def ask(self, request: Any) -> Future[Answer]:
        """Begin to ask what `request_about` says.

        The answer fails with a ServingError: the server cannot be reached, refuses, or gives no prediction
        in time.
        """
        answer: Future[Answer] = Future()
        call = self._predict.future(request, timeout=self._timeout_s)
        call.add_done_callback(partial(self._ended, answer))
        return answer

    def close(self) -> None:
        """What was asked and not answered fails."""
        self._channel.close()

    def _ended(self, answer: Future[Answer], call: Any) -> None:
        """Pass on what came of a call, whatever it is: somebody waits for it."""
        try:
            answer.set_result(_read(call))
        except grpc.RpcError:
            answer.set_exception(ServingError(f"{self._address}: {call.code().name}: {call.details()}"))
        except Exception as exc:  # whatever an answer is made of
            answer.set_exception(ServingError(f"{self._address}: its answer cannot be read: {exc!r}"))


def _read(call: Any) -> Answer:
    told = {key: value for key, value in call.trailing_metadata() or () if key == STALENESS}
    predictions = to_array(_OUTPUT, call.result().outputs[_OUTPUT])
    return Answer(np.asarray(predictions, np.float32).reshape(-1), _seconds(told.get(STALENESS)))


def _seconds(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:  # a server of somebody else's says what it likes
        return math.nan
