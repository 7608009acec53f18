"""Ask a running server for predictions, over gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from monolith.core.batch import Batch
from monolith.core.errors import ServingError
from monolith.wire.examples import encode_example_batch
from monolith.wire.tensors import to_array, to_tensor
from monolith.wire.tf import message
from monolith.wire.tf_rpc import PREDICTION, method

Outputs = dict[str, NDArray[Any]]


class PredictionClient(AbstractContextManager["PredictionClient"]):
    """A connection to one model of a server, for as long as its block lasts."""

    def __init__(self, address: str, model: str, *, timeout_s: float = 10.0) -> None:
        self._address = address
        self._model = model
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(address)

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
        """The outputs for raw values by feature.

        Raises:
            ServingError: the server cannot be reached, refuses, or does not answer in time.
        """
        request = request_of(self._model, inputs)
        try:
            response = method(self._channel, PREDICTION, "Predict")(request, timeout=self._timeout_s)
        except grpc.RpcError as exc:
            code, details = exc.code(), exc.details()
            if code is grpc.StatusCode.UNAVAILABLE:
                details = "nothing answers there: start `monolith serve`, or give another --address"
            elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
                details = f"no answer within {self._timeout_s:g} s; --timeout-ms gives it longer"
            raise ServingError(f"{self._address}: {code.name}: {details}", model=self._model) from exc
        return {name: to_array(name, tensor) for name, tensor in response.outputs.items()}

    def predict_batch(self, batch: Batch) -> Outputs:
        """The outputs for a batch of ids. Raises as `predict`."""
        return self.predict(batch_inputs(batch))


def request_of(model: str, inputs: Mapping[str, NDArray[Any]]) -> Any:
    """The PredictRequest for raw values by feature."""
    request = message("tensorflow.serving.PredictRequest")()
    request.model_spec.name = model
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(to_tensor(values))
    return request


def batch_inputs(batch: Batch) -> dict[str, NDArray[Any]]:
    """The inputs for a batch of ids."""
    return {"example_batch": np.array([encode_example_batch(batch)], object)}
