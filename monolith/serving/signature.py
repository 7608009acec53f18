"""What a model takes and gives, as TensorFlow's SignatureDef."""

from __future__ import annotations

from typing import Any

from monolith.core.schema import Feature, Kind
from monolith.serving.manifest import ExportManifest
from monolith.wire.tf import enum, message

_DTYPES = {Kind.INTEGER: "DT_INT64", Kind.STRING: "DT_STRING", Kind.FLOAT: "DT_FLOAT"}


def signature_map(manifest: ExportManifest) -> Any:
    """The SignatureDefMap of a version: raw features in, predictions out; the batch size is free (-1)."""
    found = message("tensorflow.serving.SignatureDefMap")()
    signature = found.signature_def[manifest.signature]
    signature.method_name = "tensorflow/serving/predict"
    for feature in manifest.schema.features:
        _describe(signature.inputs[feature.name], feature.name, _DTYPES[feature.kind], _shape(feature))
    for name in manifest.outputs:
        _describe(signature.outputs[name], name, "DT_FLOAT", (-1,))
    return found


def _shape(feature: Feature) -> tuple[int, ...]:
    if feature.many:
        return (-1, -1)
    return (-1,) if feature.sparse else (-1, feature.width)


def _describe(info: Any, name: str, dtype: str, shape: tuple[int, ...]) -> None:
    info.name = name
    info.dtype = enum("tensorflow.DataType")[dtype]
    for size in shape:
        info.tensor_shape.dim.add(size=size)
