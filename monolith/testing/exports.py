"""A model small enough to work out by hand, exported: for tests of what serves it.

Two tables of two values a row. The prediction is sigmoid(bias + the sum of all inputs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from monolith.core.files import DISK, Disk
from monolith.core.raw_ids import to_fids
from monolith.core.schema import Feature, Kind, Schema
from monolith.serving.columns import empty_batch
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import ExportManifest, ServedColumn
from monolith.table.config import Compressor, Fp32, Segment, TableConfig
from monolith.table.pooling import Combiner
from monolith.table.rows import TableRows

SCHEMA = Schema(
    name="tiny",
    features=(
        Feature(name="user", kind=Kind.INTEGER, slot=1),
        Feature(name="genres", kind=Kind.STRING, slot=2, many=True),
        Feature(name="age", kind=Kind.FLOAT, width=2),
    ),
)
COLUMNS = (
    ServedColumn(name="user", feature="user", table="users", combiner=Combiner.SUM),
    ServedColumn(name="genres", feature="genres", table="genres", combiner=Combiner.MEAN),
    ServedColumn(name="first", feature="genres", table="genres", combiner=Combiner.FIRST_N, max_length=2),
)
USERS = {1: (0.25, 0.5), 2: (-1.0, 0.75), 2**60: (0.125, -0.5)}
GENRES = {"comedy": (0.5, 0.25), "drama": (-0.25, -0.5), "noir": (1.0, -2.0)}


def write_tiny_export(
    output: Path,
    version: int = 1,
    *,
    bias: float = 0.0,
    bits: int | None = None,
    compressor: Compressor = Fp32(),
    skip_zeros: bool = False,
    embeddings: bool = True,
    users: TableRows | None = None,
    genres: TableRows | None = None,
    as_of_ms: int = 0,
    disk: Disk = DISK,
) -> ExportManifest:
    """Write the tiny model as `<output>/<version>`, in the place of what is there; these rows if given."""
    users = _rows("user", USERS) if users is None else users
    genres = _rows("genres", GENRES) if genres is None else genres
    with ExportWriter(output, version, overwrite=True, disk=disk) as writer:
        if embeddings:
            for name, rows in (("users", users), ("genres", genres)):
                segments = [Segment(1), Segment(rows.values.shape[1] - 1, compressor=compressor)]
                config = TableConfig(segments, skip_zero_embedding=skip_zeros)
                writer.add_table(name, rows, config, bits=bits)
        writer.add_dense(_sum_of_inputs(bias, users.values.shape[1]))
        writer.add_warmup([empty_batch(SCHEMA, 2)])
        return writer.commit(
            ExportManifest(
                version=version,
                step=version * 10,
                as_of_ms=as_of_ms,
                model="tiny",
                signature="serving_default",
                schema=SCHEMA,
                columns=COLUMNS,
                tables={},
                outputs=("prediction",),
            )
        )


def tiny_prediction(user: int, genres: Sequence[str], age: tuple[float, float], bias: float = 0.0) -> float:
    """What the tiny model says of one row, worked out without any of its machinery."""
    total = bias + sum(age) + sum(USERS.get(user, ()))
    rows = [GENRES.get(g, (0.0, 0.0)) for g in genres]
    mean = sum(map(sum, rows)) / len(rows) if rows else 0.0
    first = sum(map(sum, rows[:2]))
    return float(1 / (1 + np.exp(-(total + mean + first))))


def _rows(
    feature: str, values: Mapping[int, tuple[float, ...]] | Mapping[str, tuple[float, ...]]
) -> TableRows:
    fids = to_fids(SCHEMA[feature], np.array(list(values), object))
    order = np.argsort(fids)
    rows = np.array(list(values.values()), np.float32)[order]
    return TableRows(fids[order], rows, np.empty((len(rows), 0), np.float32))


def _sum_of_inputs(bias: float, user_dim: int) -> bytes:
    from onnx import TensorProto, helper

    shapes: dict[str, list[int | str]] = {
        "user": ["batch", user_dim],
        "genres": ["batch", 2],
        "first": ["batch", 2, 2],
        "age": ["batch", 2],
    }
    flat = [helper.make_node("Flatten", [name], [f"{name}_flat"]) for name in shapes]
    nodes = [
        *flat,
        helper.make_node("Concat", [node.output[0] for node in flat], ["all"], axis=1),
        helper.make_node("ReduceSum", ["all", "axis"], ["total"], keepdims=0),
        helper.make_node("Add", ["total", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["prediction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["batch"])],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("bias", TensorProto.FLOAT, [], [bias]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())
