"""One copy of a model, and what it does with one batch: look at it, or learn from it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

import attrs
import torch

from monolith.core.arrays import Floats, Rows
from monolith.core.batch import Batch
from monolith.core.errors import ModelError
from monolith.core.schema import Schema
from monolith.estimator.clipping import factor, global_norm
from monolith.estimator.columns import FeatureColumn, checked_columns
from monolith.estimator.dense import DenseParameters
from monolith.estimator.inputs import Embedded, SparseInputs, TableIds
from monolith.estimator.model import EstimatorSpec, Features, Mode, MonolithModel
from monolith.estimator.own_code import blamed, shapes_of
from monolith.estimator.tables import PlannedTable, plan_tables
from monolith.metrics.streaming import Quality

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient


@attrs.frozen
class Assembled:
    """A model made for a schema: what its methods say, asked once."""

    model: MonolithModel
    schema: Schema
    columns: tuple[FeatureColumn, ...]
    tables: dict[str, PlannedTable]
    module: torch.nn.Module


def assemble(model: MonolithModel, schema: Schema, *, seed: int = 0) -> Assembled:
    """Ask `model` for its columns and its module; the same seed gives the same first weights.

    Raises:
        ModelError: the columns cannot be, there is no module, or the model's own code failed.
    """
    with blamed(model.name, "in columns()"):
        columns = checked_columns(model.columns(schema), schema)
    torch.manual_seed(seed)
    with blamed(model.name, "in module()"):
        module: object = model.module(columns, schema)
    if not isinstance(module, torch.nn.Module):
        said = f"model {model.name}: its module() gives {module!r}, and no torch.nn.Module"
        raise ModelError(said, model=model.name)
    return Assembled(model, schema, columns, plan_tables(columns), module)


class Predictor:
    """Says what a model makes of a batch. Ids that no table behind `client` knows read as zeros."""

    def __init__(self, parts: Assembled, client: BlockingClient) -> None:
        self.parts = parts
        self._inputs = SparseInputs(parts.tables, client)

    def predict(self, batch: Batch) -> Floats:
        """Predictions, (B,)."""
        return _array(self._look(batch).pred)

    def judge(self, batches: Iterable[Batch]) -> Quality:
        """How good the predictions are."""
        quality = Quality()
        for batch in batches:
            _count(self._look(batch), batch, quality)
        return quality

    def _look(self, batch: Batch) -> EstimatorSpec:
        embedded = self._inputs.lookup(self._inputs.prepare(batch), create=False)
        self.parts.module.eval()
        with torch.no_grad():
            return self._spec(batch, embedded, Mode.PREDICT)

    def _spec(self, batch: Batch, embedded: Embedded, mode: Mode) -> EstimatorSpec:
        features = Features(
            {c.name: embedded.by_column[c.name] for c in self.parts.columns},
            {f.name: torch.from_numpy(batch.dense[f.name]) for f in self.parts.schema.dense},
            torch.from_numpy(batch.labels),
            torch.from_numpy(batch.weights),
            torch.from_numpy(batch.known_sample_rates),
        )
        model = self.parts.model
        with blamed(model.name, "on a batch", lambda: shapes_of(features)):
            return model.model_fn(self.parts.module, features, mode)


@attrs.frozen
class Asked:
    """A batch whose rows were asked for."""

    batch: Batch
    ids: Mapping[str, TableIds]
    rows: Future[dict[str, Rows]]


class Trainer(Predictor):
    """Learns from batches, one at a time.

    What a step does to the rows is under way while the dense part learns and the next steps are computed.
    With `ahead` batches asked for before their turn, the rows of step t + ahead are read after the update of
    step t - 1 and before that of step t, whoever is slow: so they lack the last `ahead` updates, which with
    `ahead` 0 is none. Same batches, same numbers.
    """

    def __init__(
        self,
        parts: Assembled,
        client: BlockingClient,
        optimizer: torch.optim.Optimizer,
        *,
        clip_norm: float,
        sync_steps: int,
        ahead: int = 0,
    ) -> None:
        super().__init__(parts, client)
        self.optimizer = optimizer
        self.dense = DenseParameters(parts.module)
        self._client = client
        self._clip_norm = clip_norm
        self._sync_steps = sync_steps
        self._ahead = ahead
        self._unsynced = 0

    def asked(self, batches: Iterable[Batch]) -> Iterator[Asked]:
        """What `train` takes, one for each of `batches`; each must be trained before the next is taken.

        A batch without rows says that nothing comes just now: what was asked for ahead need not wait for it.

        Raises:
            SchemaError: a batch lacks a feature.
        """
        waiting: deque[Asked] = deque()
        for batch in batches:
            if len(batch):
                ids = self._inputs.prepare(batch)
                waiting.append(Asked(batch, ids, self._inputs.submit_lookup(ids)))
            while len(waiting) > (self._ahead if len(batch) else 0):
                yield waiting.popleft()
        yield from waiting

    def train(self, asked: Asked, step: int, quality: Quality) -> float:
        """One step: its loss. `quality` counts what was predicted before learning from the batch.

        Raises:
            ModelError: the loss is not a finite number.
        """
        embedded = self._inputs.embedded(asked.ids, asked.rows.result())
        self.parts.module.train()
        spec = self._spec(asked.batch, embedded, Mode.TRAIN)
        loss = self._backward(spec, step)
        self._clip(embedded)
        self._inputs.submit_apply(asked.ids, embedded, step)
        (spec.optimizer or self.optimizer).step()
        self._unsynced += 1
        if self._unsynced >= self._sync_steps:
            self._sync_dense()
        _count(spec, asked.batch, quality)
        return loss

    def sync(self) -> None:
        """Bring everything learned here to the servers, and hear what the others have learned."""
        self._inputs.settle()
        self._sync_dense()

    def _sync_dense(self) -> None:
        self.dense.sync(self._client)
        self._unsynced = 0

    def _backward(self, spec: EstimatorSpec, step: int) -> float:
        name = self.parts.model.name
        if spec.loss is None:
            raise ModelError(f"model {name} gives no loss to train on", model=name)
        loss = spec.loss.item()
        if not torch.isfinite(spec.loss):
            raise ModelError(
                f"the loss is {loss} at step {step}: lower the learning rates, or look for such values "
                "in the dense features",
                model=name,
            )
        (spec.optimizer or self.optimizer).zero_grad()
        spec.loss.backward()
        return loss

    def _clip(self, embedded: Embedded) -> None:
        """Scale all gradients together, dense and sparse, where their norm is above `clip_norm`.

        Raises:
            ModelError: the norm is not a finite number, so the rows would not be either.
        """
        parameters = self.parts.module.parameters()
        grads = [p.grad for p in parameters if p.grad is not None] + list(embedded.gradients())
        norm = global_norm(grads)
        if not math.isfinite(norm):
            name = self.parts.model.name
            raise ModelError(
                f"the norm of the gradients is {norm}, though the loss is a number: lower the learning "
                "rates, or look for a root or a logarithm of 0 in the model",
                model=name,
            )
        if norm > self._clip_norm:
            for grad in grads:
                grad.mul_(factor(norm, self._clip_norm))


def _count(spec: EstimatorSpec, batch: Batch, quality: Quality) -> None:
    if spec.classification:
        quality.update(_array(spec.pred), batch.labels, batch.standing_weights)
    else:
        quality.pass_over(len(batch.labels))


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.detach().numpy()
    return array
