"""A distributed run, asked for through an estimator: the same text, with one word before it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from monolith import Role, RunConfig, RunnerConfig
from monolith.core.errors import DistributedRuntimeError
from monolith.data.dataset import Dataset
from monolith.discovery.memory import InMemory
from monolith.estimator.estimator import Estimator
from monolith.estimator.runtime import run_distributed_runtime
from monolith.models.lr import LogisticRegression

CONFIGS: list[Callable[..., RunConfig | RunnerConfig]] = [RunConfig, RunnerConfig]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_runners_text_with_a_word_before_it(config: Callable[..., RunConfig | RunnerConfig]) -> None:
    told = config(num_ps=2, index=3, num_workers=4, connect_retries=2, retry_backoff_ms=1)
    with pytest.raises(DistributedRuntimeError) as caught:
        asyncio.run(run_distributed_runtime(InMemory(), told, Role.WORKER, "127.0.0.1:0"))
    assert str(caught.value) == (
        "Distributed runtime error: Timed out waiting for PS discovery for worker-3 (service type: ps): "
        "got 0 expected 2 (attempts: 3; max raw observed: 0; max usable observed: 0)"
    )


@pytest.mark.parametrize("config", CONFIGS)
def test_an_estimator_takes_its_folder_from_a_config(
    config: Callable[..., RunConfig | RunnerConfig], dataset: Dataset, tmp_path: Path
) -> None:
    told = config(model_dir=tmp_path / "m")
    estimator = Estimator.of_config(LogisticRegression(), dataset, told, batch_size=16, torch_threads=1)
    result = estimator.train(steps=3)
    assert (tmp_path / "m" / f"checkpoint-{result.global_step}.json").exists()
