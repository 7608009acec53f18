"""The tiny model, exported and loaded."""

import pytest

from monolith.serving.metrics import ServingMetrics
from monolith.serving.model import ServingModel
from monolith.serving.service import PredictionService
from monolith.serving.versions import Versions
from monolith.testing.exports import write_tiny_export


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A version folder. Nobody writes into it."""
    output = tmp_path_factory.mktemp("exports") / "tiny"
    write_tiny_export(output, 1)
    return output / "1"


@pytest.fixture(scope="session")
def tiny_model(tiny_folder):
    return ServingModel.load(tiny_folder)


@pytest.fixture(scope="session")
def tiny_service(tiny_folder):
    versions = Versions(tiny_folder.parent, ServingModel.load)
    versions.poll()
    return PredictionService(versions, ServingMetrics())
