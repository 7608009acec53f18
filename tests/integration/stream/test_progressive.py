"""Replicas predict what a real training is about to learn; one of them dies."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from monolith.core.batch import Batch
from monolith.data.dataset import Dataset
from monolith.data.reading import Reading
from monolith.metrics.streaming import Quality
from monolith.serving.model import ServingModel
from tests.integration.cli.conftest import Cli, dataset
from tests.integration.cli.processes import until
from tests.integration.serving.test_cli import served
from tests.integration.stream.tansu import Tansu

__all__ = ["dataset"]

BATCH, SAVE_STEPS, PASSES = 40, 25, 1_000
MODEL = ("--model", "lr", "--torch-threads", "1")


@pytest.fixture(scope="module")
def exported(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was learned from a first, short training: `never` serves it."""
    folder = tmp_path_factory.mktemp("liking")
    cli = Cli(folder)
    given = ("--data", str(dataset), "--model-dir", "run", "--train-steps", "20", "-b", str(BATCH))
    cli.run("train", *MODEL, *given)
    cli.run("export", "--checkpoint-path", "run", "-o", "liking")
    return folder / "liking"


@pytest.fixture
def never(cli: Cli, exported: Path) -> Iterator[str]:
    with served(cli, "--model-path", str(exported), "--model-name", "liking") as (_, said):
        yield said["grpc"]


def lines(cli: Cli) -> list[dict[str, Any]]:
    file = cli.folder / "model/progressive.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def offline(exported: Path, batches: Iterable[Batch]) -> Any:
    """The figures of the exported model for these batches."""
    model, quality = ServingModel.load(next(exported.iterdir())), Quality()
    for batch in batches:
        quality.update(model.predict(batch).outputs["prediction"].reshape(-1), batch.labels)
    return pytest.approx(quality.figures(), rel=1e-6)


def of_quality(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("auc", "logloss", "calibration", "examples")}


def asking(*targets: str) -> list[str]:
    """Ask these; none of them is ever too late on a machine that does much else."""
    flags = [f"--progressive-target={target}" for target in targets]
    return [*flags, "--progressive-model-name=liking", "--progressive-timeout-ms=60000"]


def test_a_replica_that_dies_is_missed_and_nothing_else(
    cli: Cli, dataset: Path, exported: Path, never: str, ended: Callable[[Any], None]
) -> None:
    given = (
        "--data",
        str(dataset),
        "--model-dir",
        "model",
        "-b",
        str(BATCH),
        "--save-steps",
        str(SAVE_STEPS),
    )
    with served(cli, "--model-path", str(exported), "--model-name", "liking") as (doomed, said):
        ask = asking(f"never={never}", f"doomed={said['grpc']}")
        job = cli.start("train", *MODEL, *given, *ask, "--epochs", str(PASSES), "--json")
        ended(job)
        until("two windows are told", lambda: len(lines(cli)) >= 2)
        doomed.kill()
        until("it is missed", lambda: lines(cli)[-1]["figures"]["doomed"]["examples"] == 0)
        job.send_signal(signal.SIGINT)
        out, err = job.communicate(timeout=60)
    told = lines(cli)
    reading = Dataset.open(dataset).batches(Reading(batch_size=BATCH, epochs=PASSES))
    for line in told:
        figures = line["figures"]
        assert figures["never"]["missed"] == 0
        assert figures["doomed"]["examples"] + figures["doomed"]["missed"] == line["examples"]
        assert of_quality(figures["never"]) == offline(exported, islice(reading, line["step"] - line["from"]))
    assert "doomed does not predict, and is asked again every 3 s" in err
    assert f"up to step {told[0]['step']:,}, AUC and logloss: trainer " in err
    whole = {row["predicted_by"]: row for row in json.loads(out)["progressive"]}
    assert whole["never"]["examples"] == sum(line["examples"] for line in told)
    assert whole["doomed"]["missed"] == sum(line["figures"]["doomed"]["missed"] for line in told) > 0


def test_a_cluster_on_a_stream_is_told_as_one(
    cli: Cli, dataset: Path, exported: Path, never: str, shared_broker: Tansu
) -> None:
    to = ("--topic", "asked", "--servers", shared_broker.servers, "--partitions", "3")
    rows = cli.json("data", "produce", str(dataset), *to)["messages"]
    stream = ("--kafka-topics", "asked", "--kafka-servers", shared_broker.servers)
    end = ("--stream-timeout-ms=0", "--stream-poll-timeout-ms=1500", "-b", str(BATCH))
    cluster = ("--num-ps", "2", "--num-workers-cluster", "2", "--embedding-prefetch-capacity", "1")
    given = ("--data", str(dataset), "--model-dir", "model", *stream, *end, *cluster)
    report = cli.json("train", *MODEL, *given, *asking(f"never={never}"))
    _trainer, whole = report["progressive"]
    assert (report["examples"], whole["missed"]) == (rows, 0)
    everything = Dataset.open(dataset).batches(Reading(batch_size=BATCH))
    assert of_quality(whole) == offline(exported, everything)
    assert whole["staleness_s"] > 0
    told = lines(cli)
    assert sum(line["examples"] for line in told) == rows
    assert [line["from"] for line in told] == [0, *(line["step"] for line in told[:-1])]
