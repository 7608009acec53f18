"""A model whose predictions are its rows, exported: what is predicted tells what a replica holds.

One integer feature a table, called as the table. The prediction for a row is what the tables have of its
ids, side by side; of an id without a row, zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np

from monolith.core.arrays import Fids
from monolith.core.raw_ids import to_fids
from monolith.core.schema import Feature, Kind, Schema
from monolith.serving.columns import empty_batch
from monolith.serving.export import ExportWriter
from monolith.serving.manifest import ExportManifest, ServedColumn
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.pooling import Combiner
from monolith.table.rows import TableRows


@attrs.frozen
class Mirror:
    """`tables` and how wide their rows are."""

    tables: Mapping[str, int]

    @property
    def schema(self) -> Schema:
        features = tuple(
            Feature(name=name, kind=Kind.INTEGER, slot=slot) for slot, name in enumerate(self.tables, start=1)
        )
        return Schema(name="mirror", features=features)

    @property
    def configs(self) -> dict[str, TableConfig]:
        """Rows begin with zeros, and lose what their gradients say."""
        return {name: TableConfig((Segment(dim, Zeros(), Sgd(1.0)),)) for name, dim in self.tables.items()}

    def fids(self, table: str, ids: object) -> Fids:
        """Of ids (n,), as a client names them."""
        return to_fids(self.schema[table], np.asarray(ids, np.int64))

    def write(
        self,
        output: Path,
        version: int = 1,
        *,
        rows: Mapping[str, TableRows] = {},
        as_of_ms: int = 0,
        embeddings: bool = True,
    ) -> ExportManifest:
        """Write `<output>/<version>`; tables that `rows` does not name are empty."""
        columns = [ServedColumn(name=n, feature=n, table=n, combiner=Combiner.SUM) for n in self.tables]
        about = ExportManifest(
            version=version,
            step=version,
            as_of_ms=as_of_ms,
            model="mirror",
            signature="serving_default",
            schema=self.schema,
            columns=tuple(columns),
            tables={},
            outputs=("prediction",),
        )
        with ExportWriter(output, version) as writer:
            for name, config in self.configs.items() if embeddings else ():
                writer.add_table(name, rows.get(name, nothing(config.dim)), config)
            writer.add_dense(_side_by_side(self.tables))
            writer.add_warmup([empty_batch(self.schema, 2)])
            return writer.commit(about)


def nothing(dim: int) -> TableRows:
    """No rows of so many values."""
    return TableRows(np.empty(0, np.int64), np.empty((0, dim), np.float32), np.empty((0, 0), np.float32))


def _side_by_side(tables: Mapping[str, int]) -> bytes:
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", d]) for n, d in tables.items()]
    whole = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["batch", sum(tables.values())])
    node = helper.make_node("Concat", list(tables), ["prediction"], axis=1)
    graph = helper.make_graph([node], "mirror", inputs, [whole])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())
