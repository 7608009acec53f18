"""What a server answers, whatever it is asked through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from monolith.core.arrays import Floats
from monolith.core.batch import Batch
from monolith.core.errors import InvalidRequest, ModelNotFound
from monolith.core.schema import Schema
from monolith.serving.manifest import ExportManifest
from monolith.serving.metrics import ServingMetrics
from monolith.serving.model import ServingModel
from monolith.serving.versions import Versions, VersionStatus


@attrs.frozen(kw_only=True)
class Target:
    """What a request is for. Nothing but the name needs to be said."""

    model: str
    version: int | None = None
    signature: str = ""


@attrs.frozen
class Predicted:
    """What was predicted, and by which version."""

    version: int
    signature: str
    outputs: Mapping[str, Floats]


class PredictionService:
    """One model, by name."""

    def __init__(self, versions: Versions[ServingModel], metrics: ServingMetrics) -> None:
        self.versions = versions
        self._metrics = metrics
        metrics.follow(lambda: versions.version)

    def predict(self, target: Target, read: Callable[[Schema], Batch], only: Sequence[str] = ()) -> Predicted:
        """Predict the batch that `read` finds in the request, given the model's schema.

        `only` names the outputs that are wanted; empty means all.

        Raises:
            ModelNotFound: another model, or a version that is not loaded.
            InvalidRequest: another signature or output, or inputs that do not fit.
            ServingError: the model failed.
        """
        self._must_be_ours(target)
        with self.versions.lease(target.version) as model:
            manifest = model.manifest
            signature = _signature(manifest, target.signature)
            _must_be_there(only, manifest.outputs)
            batch = read(manifest.schema)
            answer = model.predict(batch)
        self._metrics.predicted(len(batch), answer.ids, answer.unknown)
        chosen = {name: answer.outputs[name] for name in only or manifest.outputs}
        return Predicted(manifest.version, signature, chosen)

    def manifest(self, target: Target) -> ExportManifest:
        """What is known of the version that would answer. Raises ModelNotFound."""
        self._must_be_ours(target)
        with self.versions.lease(target.version) as model:
            return model.manifest

    def status(self, target: Target) -> list[VersionStatus]:
        """How far the versions are, newest first. Raises ModelNotFound."""
        self._must_be_ours(target)
        return self.versions.status(target.version)

    def _must_be_ours(self, target: Target) -> None:
        if target.model != self.versions.name:
            raise ModelNotFound(
                f"Servable not found for request: Latest({target.model}); served here: {self.versions.name}",
                model=target.model,
            )


def _signature(manifest: ExportManifest, asked: str) -> str:
    if asked not in ("", manifest.signature):
        raise InvalidRequest(
            f"Serving signature key {asked!r} not found: the model has {manifest.signature!r}"
        )
    return manifest.signature


def _must_be_there(only: Sequence[str], outputs: Sequence[str]) -> None:
    for name in only:
        if name not in outputs:
            raise InvalidRequest(f"output {name!r} not found: the model has {', '.join(outputs)}", input=name)
