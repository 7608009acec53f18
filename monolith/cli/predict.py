"""`monolith predict`: ask a running server, and show what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from monolith.cli.command import Command, Report, Table, Ui
from monolith.config.checks import given, one_of, positive
from monolith.config.settings import Problem, Settings, setting
from monolith.core.address import parse_address
from monolith.core.errors import ConfigError

if TYPE_CHECKING:
    from monolith.core.batch import Batch
    from monolith.serving.client import PredictionClient


@attrs.frozen(kw_only=True)
class PredictSettings(Settings):
    """Whom to ask, and about what."""

    # fmt: off
    address: str = setting("127.0.0.1:8500", "host:port of the server's gRPC.", group="server")
    model_name: str = setting("", "What the server calls the model.", group="server", check=given)
    timeout_ms: int = setting(10_000, "How long to wait for the answer.", group="server", check=positive)
    data: Path | None = setting(None, "Dataset folder to take rows from.", group="rows")
    split: str = setting("test", "Which of its rows.", group="rows", check=one_of("train", "valid", "test"))
    count: int = setting(5, "How many of them, from the first on.", group="rows", check=positive)
    input: str = setting("", "Rows as JSON, a list of {feature: value}; or @file with such a list.",
                         group="rows")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        if bool(self.data) == bool(self.input):
            yield Problem(("data", "input"), "give one of the two")


def predict(settings: PredictSettings, ui: Ui) -> Report:  # noqa: ARG001  # a question is too short for progress
    """Predictions beside labels, row by row."""
    from monolith.serving.client import PredictionClient

    address = str(parse_address(settings.address, what="--address"))
    with PredictionClient(address, settings.model_name, timeout_s=settings.timeout_ms / 1000) as client:
        if settings.data:
            batch = _rows_of(settings.data, settings)
            return _report(client.predict_batch(batch), {"label": batch.labels.tolist()})
        return _asked(client, _rows_given(settings.input))


def _asked(client: PredictionClient, rows: Sequence[Mapping[str, Any]]) -> Report:
    from monolith.serving.rows import to_arrays

    return _report(client.predict(to_arrays(rows)), {})


def _rows_of(folder: Path, settings: PredictSettings) -> Batch:
    from monolith.data.dataset import Dataset
    from monolith.data.reading import Reading

    reading = Reading(split=settings.split, batch_size=settings.count, shuffle=False)
    return next(iter(Dataset.open(folder).batches(reading)))


def _rows_given(text: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except OSError as exc:
        raise ConfigError([f"--input {text!r} cannot be read: {exc.strerror}"]) from exc
    except ValueError as exc:
        meant = f" (did you mean --input @{text}?)" if Path(text).suffix == ".json" else ""
        raise ConfigError([f"--input {text!r} is not JSON: {exc}{meant}"]) from exc
    rows = [rows] if isinstance(rows, dict) else rows
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
        raise ConfigError(["--input must be a list of objects, {feature: value}, one a row"])
    return rows


def _report(outputs: Mapping[str, Any], beside: Mapping[str, Sequence[object]]) -> Report:
    columns = {**beside, **{name: values.tolist() for name, values in outputs.items()}}
    rows = [(number, *row) for number, row in enumerate(zip(*columns.values(), strict=True))]
    return Report(title="predictions", table=Table(("row", *columns), rows))


PREDICT = Command(PredictSettings, predict)
