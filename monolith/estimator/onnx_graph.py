"""The dense part of a model as an ONNX graph: pooled embeddings and dense features in, predictions out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from monolith.core.errors import MissingExtra, ModelError
from monolith.estimator.model import Features, Mode

if TYPE_CHECKING:
    from monolith.estimator.trainer import Assembled

OUTPUT = "prediction"


class _Predicting(torch.nn.Module):
    """A model's `model_fn` in PREDICT, with its inputs in a row, as a graph has them."""

    def __init__(self, parts: Assembled) -> None:
        super().__init__()
        self.module = parts.module
        self._model = parts.model
        self._columns = [c.name for c in parts.columns]
        self._dense = [f.name for f in parts.schema.dense]

    def forward(self, *inputs: Tensor) -> Tensor:
        count = len(self._columns)
        nobody = torch.zeros(0)  # there are no labels when predicting
        features = Features(
            dict(zip(self._columns, inputs[:count], strict=True)),
            dict(zip(self._dense, inputs[count:], strict=True)),
            nobody,
            nobody,
            nobody,
        )
        return self._model.model_fn(self.module, features, Mode.PREDICT).pred


def dense_graph(parts: Assembled, *, optimize: bool = True) -> bytes:
    """The dense part as a serialized ONNX model whose batch dimension is free.

    Its inputs are float32, named as the columns and the dense features; its output is called `prediction`.
    The same weights give the same bytes.

    Raises:
        ModelError: PyTorch cannot turn the module into a graph, or two inputs have the same name.
        MissingExtra: the ONNX libraries are not installed.
    """
    shapes = _input_shapes(parts)
    predicting = _Predicting(parts).eval()
    try:
        import onnxscript  # noqa: F401  # PyTorch's own complaint is a page long
    except ModuleNotFoundError as exc:
        raise MissingExtra("exporting a model", "torch") from exc
    batch = torch.export.Dim("batch", min=1)
    try:
        with _quiet():
            program = torch.onnx.export(
                predicting,
                tuple(torch.zeros(2, *shape) for shape in shapes.values()),
                dynamo=True,
                verbose=False,
                optimize=optimize,
                input_names=list(shapes),
                output_names=[OUTPUT],
                dynamic_shapes=(tuple({0: batch} for _ in shapes),),
            )
    except Exception as exc:  # anything that a model's own code may raise, or the exporter
        raise ModelError(
            f"the dense part of {parts.model.name} cannot become an ONNX graph: {_first_cause(exc)}",
            model=parts.model.name,
        ) from exc
    assert program is not None  # it is, with dynamo
    return _anonymous(program.model_proto)


def _input_shapes(parts: Assembled) -> Mapping[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {c.name: c.shape for c in parts.columns}
    for feature in parts.schema.dense:
        if feature.name in shapes:
            raise ModelError(
                f"{feature.name!r} is the name of a column and of a dense feature: give the column another",
                model=parts.model.name,
            )
        shapes[feature.name] = (feature.width,)
    return shapes


def _first_cause(exc: BaseException) -> str:
    """One line: the exporter's own message is a page of advice around it."""
    while exc.__cause__ is not None:
        exc = exc.__cause__
    return next(iter(str(exc).strip().splitlines()), type(exc).__name__)


def _anonymous(model: Any) -> bytes:
    """Without stack traces: they name the files of whoever exported it, and differ from place to place."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("metadata_props")
    model.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own deprecated calls, and of libraries that nobody here needs."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
