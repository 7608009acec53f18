"""What a request may ask for, and what is counted of it."""

import pytest

from monolith.core.errors import InvalidRequest, ModelNotFound
from monolith.serving.columns import empty_batch
from monolith.serving.metrics import ServingMetrics
from monolith.serving.model import ServingModel
from monolith.serving.service import PredictionService, Target
from monolith.serving.versions import Versions


def three_rows(schema):
    return empty_batch(schema, 3)


def test_answer_says_who_gave_it(tiny_service):
    found = tiny_service.predict(Target(model="tiny"), three_rows)
    assert (found.version, found.signature) == (1, "serving_default")
    assert found.outputs["prediction"].tolist() == [0.5] * 3


def test_outputs_can_be_chosen(tiny_service):
    found = tiny_service.predict(Target(model="tiny"), three_rows, only=["prediction"])
    assert list(found.outputs) == ["prediction"]
    with pytest.raises(InvalidRequest, match="output 'logit' not found: the model has prediction"):
        tiny_service.predict(Target(model="tiny"), three_rows, only=["logit"])


@pytest.mark.parametrize("ask", ["predict", "manifest", "status"])
@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Target(model="other"), r"Latest\(other\); served here: tiny"),
        (Target(model="tiny", version=9), r"Specific\(tiny, 9\)"),
    ],
)
def test_another_model_or_version_is_not_found(tiny_service, ask, target, told):
    more = (three_rows,) if ask == "predict" else ()
    with pytest.raises(ModelNotFound, match=told):
        getattr(tiny_service, ask)(target, *more)


def test_rows_and_unknown_ids_are_counted(tiny_folder):
    metrics = ServingMetrics()
    versions = Versions(tiny_folder.parent, ServingModel.load)
    service = PredictionService(versions, metrics)
    assert metrics.registry.get_sample_value("monolith_serving_version") == 0
    versions.poll()
    service.predict(Target(model="tiny"), three_rows)
    values = {
        n: metrics.registry.get_sample_value(f"monolith_serving_{n}") for n in ("rows_total", "version")
    }
    assert values == {"rows_total": 3, "version": 1}
