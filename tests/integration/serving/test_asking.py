"""A server that is asked ahead: what it predicts, how old that is, and what its absence is called."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from monolith.core.batch import Batch
from monolith.core.errors import ServingError
from monolith.serving.asking import GrpcReplica, request_about
from monolith.serving.columns import empty_batch
from monolith.serving.server import ModelServer, unix_ms
from monolith.testing.exports import SCHEMA, tiny_prediction, write_tiny_export
from tests.integration.cli.processes import free_port, until
from tests.integration.serving.conftest import serving

ROWS = 3
PATIENCE_S = 30.0


@pytest.fixture
def batch() -> Batch:
    return empty_batch(SCHEMA, ROWS)


@pytest.fixture
def replica(running: ModelServer) -> Iterator[GrpcReplica]:
    with closing(GrpcReplica(f"127.0.0.1:{running.port}", timeout_s=PATIENCE_S)) as one:
        yield one


def test_many_are_asked_at_a_time(replica: GrpcReplica, batch: Batch) -> None:
    asked = [replica.ask(request_about("tiny", batch)) for _ in range(20)]
    for one in asked:
        predictions = one.result(PATIENCE_S).predictions
        np.testing.assert_allclose(predictions, [tiny_prediction(0, [], (0.0, 0.0))] * ROWS, atol=1e-6)


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_says_how_old_it_is(tmp_path: Path, batch: Batch, told: bool) -> None:
    write_tiny_export(tmp_path / "tiny", as_of_ms=unix_ms() - 60_000 if told else 0)
    with (
        serving(tmp_path / "tiny") as server,
        closing(GrpcReplica(f"127.0.0.1:{server.port}", timeout_s=PATIENCE_S)) as replica,
    ):
        staleness_s = replica.ask(request_about("tiny", batch)).result(PATIENCE_S).staleness_s
        if told:
            assert 60 <= staleness_s <= server.replica.staleness_s()
        else:
            assert np.isnan(staleness_s)


def test_another_model_is_named(replica: GrpcReplica, batch: Batch) -> None:
    asked = replica.ask(request_about("large", batch))
    with pytest.raises(ServingError, match=r"NOT_FOUND: Servable not found .*large.*served here: tiny"):
        asked.result(PATIENCE_S)


def test_who_is_not_there_yet_is_found_once_it_is(models: Path, batch: Batch) -> None:
    port, request = free_port(), request_about("tiny", batch)
    with closing(GrpcReplica(f"127.0.0.1:{port}", timeout_s=PATIENCE_S)) as replica:
        assert isinstance(replica.ask(request).exception(PATIENCE_S), ServingError)
        with serving(models, port=port):
            until("it answers", lambda: replica.ask(request).exception(PATIENCE_S) is None)


def test_closing_ends_what_is_under_way(batch: Batch) -> None:
    with socket.socket() as mute:  # takes connections, and says nothing
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        replica = GrpcReplica(f"127.0.0.1:{mute.getsockname()[1]}", timeout_s=PATIENCE_S)
        asked = replica.ask(request_about("tiny", batch))
        replica.close()
        assert isinstance(asked.exception(PATIENCE_S), ServingError)
