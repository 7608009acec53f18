"""What a sender is answered, and what is counted of it."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from monolith.core.errors import InvalidRequest, ModelNotFound
from monolith.serving.push_api import PushApi
from monolith.serving.push_metrics import PushMetrics
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.tensors import to_tensor
from tests.unit.serving.pushing import Clock, loaded, served

OLD = {1: 1.0}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def replica(tmp_path, clock):
    return loaded(tmp_path, OLD, clock, as_of_ms=clock.ms - 9000)


@pytest.fixture
def api(replica, registry, clock):
    return PushApi(replica, PushMetrics(registry), clock)


def request(fids=(), removed=(), dim=2, model="tiny", **more):
    """Rows of ones, serialized."""
    table = pb.PushRequest.DeltaEmbeddingHashTable(
        unique_id="users", dim_size=dim, fids=fids, embeddings=[1.0] * dim * len(fids), removed=removed
    )
    return pb.PushRequest(model_name=model, delta_hash_tables=[table], **more).SerializeToString()


def counted(registry):
    """The figures that are not 0, without their common prefix; times of making are no figures."""
    found = {
        "_".join((s.name.removeprefix("monolith_serving_"), *s.labels.values())): s.value
        for metric in registry.collect()
        for s in metric.samples
        if not s.name.endswith(("_created", "_bucket"))
    }
    return {name: value for name, value in found.items() if value}


WHOLE = {"sender": 7, "sequence": 1, "whole_begin": True, "whole_end": True}


@pytest.mark.parametrize(
    ("sent", "status", "rows", "told", "outcome"),
    [
        (request([2, 3]), 0, 2, "", "applied"),
        (request([2], **WHOLE), 0, 1, "", "applied"),
        (request([2], model="other"), 1, 0, "rows of model 'other' were pushed to 'tiny'", "refused"),
        (request([2], dim=3), 1, 0, "table 'users' has rows of 2 values here, not 3", "refused"),
        (b"\xff", 1, 0, "not a PushRequest: byte 0", "refused"),
        (
            request([2], sender=7, sequence=1),
            5,
            0,
            "send everything: this sender is not known here",
            "resend",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_push_is_answered_and_counted(api, registry, sent, status, rows, told, outcome):
    answer = api.answer(sent)
    assert answer.status_code == status
    assert answer.error_message.startswith(told)
    figures = counted(registry)
    assert figures[f"pushes_total_{outcome}"] == 1
    assert figures["pushed_bytes_total"] == len(sent)
    assert figures.get("pushed_rows_total", 0) == answer.update_num == rows


def test_tables_that_are_refused_are_named(api, replica):
    wanted = pb.PushRequest.FromString(request([2], **WHOLE))
    for name, dim in (("films", 2), ("genres", 3)):
        wanted.delta_hash_tables.add(unique_id=name, dim_size=dim)
    before = served(replica)
    answer = api.answer(wanted.SerializeToString())
    assert (answer.status_code, list(answer.refused)) == (1, ["films", "genres"])
    assert "'films' is not of the model: it has genres, users; table 'genres' has" in answer.error_message
    assert served(replica) == before
    assert api.answer(request([2], **WHOLE)).status_code == 0  # its number was not used up


def test_what_was_applied_is_not_refused_when_it_comes_again(api, replica):
    api.answer(request([2], **WHOLE))
    replica.tables = {name: table for name, table in replica.tables.items() if name != "users"}
    assert api.answer(request([2], **WHOLE)).status_code == 0


def test_what_was_removed_and_how_late_is_counted(api, registry, clock):
    api.answer(request([2, 3], as_of_ms=clock.ms - 1500, **WHOLE))
    figures = counted(registry)
    assert (figures["removed_rows_total"], figures["push_lag_seconds_sum"]) == (1, 1.5)
    assert (figures["push_lag_seconds_count"], figures["staleness_seconds"]) == (1, 1.5)


def test_push_that_comes_again_is_counted_as_that(api, registry, replica):
    for _ in range(3):
        assert api.answer(request([2], **WHOLE)).status_code == 0
    figures = counted(registry)
    assert (figures["pushes_total_applied"], figures["pushes_total_again"]) == (1, 2)
    assert figures["pushed_rows_total"] == 1
    assert list(served(replica)) == [2]


def tensors(**arrays):
    return {name: to_tensor(np.array(values)) for name, values in arrays.items()}


def test_rows_come_through_predict(api, replica, registry):
    api.assign("tiny", tensors(users_id=[2, 1], users_value=np.float32([[5, 5], [6, 6]])))
    assert served(replica) == {2: 5.0, 1: 6.0}
    assert counted(registry)["pushes_total_applied"] == 1


ROW = np.ones((1, 2), np.float32)


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"users_id": [2]}, "input 'users_value' is missing: give <table>_id and <table>_value"),
        ({"users": [2]}, "input 'users' is not known"),
        (
            {"users_id": [2], "users_value": ROW[0]},
            r"input 'users_value' is float32 \[2\]: give float \[n, d",
        ),
        ({"users_id": [2], "users_value": ROW.astype(int)}, "'users_value' is int64"),
        ({"users_id": [2.5], "users_value": ROW}, "input 'users_id': .* must be whole numbers"),
        ({"users_id": [2, 3], "users_value": ROW}, "table 'users': "),
        ({"films_id": [2], "films_value": ROW}, "table 'films' is not of the model: it has genres, users"),
    ],
)
def test_inputs_that_are_no_rows_are_told(api, replica, inputs, told):
    with pytest.raises(InvalidRequest, match=told):
        api.assign("tiny", tensors(**inputs))
    assert served(replica) == OLD


def test_rows_of_another_model_are_not_found(api):
    with pytest.raises(ModelNotFound):
        api.assign("other", tensors(users_id=[2], users_value=ROW))
