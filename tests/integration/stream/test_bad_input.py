"""A job on a stream that is given all that can be wrong: each is named, and none stops what is right."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import pytest

from monolith.cli.main import main
from monolith.core.progress import Silent
from monolith.data.convert import Chunk, convert
from monolith.serving.client import PredictionClient
from monolith.serving.server import ModelServer, ServerOptions
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.faults import counting
from tests.integration.faults.box import MIRROR, TRAINED
from tests.integration.stream.conftest import kafka

GOOD = 200
DAY_MS = 86_400_000
NOBODY = "127.0.0.1:1"


def row(number: int) -> bytes:
    return json.dumps({"user": number, "item": number, "number": number, "likes": 1}).encode()


class Poison(NamedTuple):
    value: bytes | None
    reason: str
    key: bytes | None = b"k"
    later_ms: int = 0


POISON = {
    "not what it should be": Poison(b"\xff\xff", "JSON"),
    "no value": Poison(None, "value"),
    "no key": Poison(row(1), "key", key=None),
    "the far future": Poison(row(1), "in the future", later_ms=DAY_MS),
}


class Told(NamedTuple):
    """What one run said, and left."""

    said: str
    letters: list[dict[str, Any]]
    served: np.ndarray  # the rows of the messages, by the one target that is right
    targets: dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    data = [Chunk({n: np.arange(2) for n in ("user", "item", "number", "likes")}, "memory")]
    convert(TRAINED, lambda: data, folder / "data", Silent())
    MIRROR.write(folder / "mirror")
    return folder


def job(*more: str) -> list[str]:
    model = ("--model", f"{counting.__file__}:Counting", "--data", "data", "--model-dir", "model")
    stream = ("--message-format=json", "--stream-timeout-ms=0", "--stream-poll-timeout-ms=2000")
    return ["train", *model, *stream, "--torch-threads=1", "--json", *more]


@pytest.fixture(scope="module")
def told(folder: Path, shared_broker: Any) -> Any:
    """All of it in one run, which has three targets that are wrong and one that is right."""
    send_all(shared_broker.servers)
    other = grpc.server(ThreadPoolExecutor(1))
    no_monolith = f"127.0.0.1:{other.add_insecure_port('127.0.0.1:0')}"
    other.start()
    local = {"host": "127.0.0.1", "port": 0, "http_port": 0}
    with (
        pytest.MonkeyPatch.context() as patch,
        ModelServer(ServerOptions(model_path=folder / "mirror", **local)) as right,
        ModelServer(ServerOptions(model_path=folder / "mirror", model_name="else", **local)) as wrong,
    ):
        patch.setenv(counting.WITNESS, str(folder / "witness"))
        targets = {"right": f"127.0.0.1:{right.port}", "another model": f"127.0.0.1:{wrong.port}"}
        targets |= {"no server of ours": no_monolith, "nobody": NOBODY}
        pushes = [f"--parameter-sync-target={target}" for target in targets.values()]
        pushes += ["--parameter-sync-model-name=mirror", "--parameter-sync-interval-ms=50"]
        topic = (f"--kafka-servers={shared_broker.servers}", "--kafka-topics=bad", "--stream-needs-key")
        child = Cli(folder).start(*job(*topic, *pushes))
        _, said = child.communicate(timeout=DEADLINE_S)
        assert child.returncode == 0, said
        with PredictionClient(targets["right"], "mirror") as client:
            numbers = np.arange(GOOD)
            served = client.predict({"user": numbers, "item": numbers})["prediction"]
    other.stop(0).wait()
    lines = (folder / "model/dead-letters/worker-0.jsonl").read_text().splitlines()
    return Told(said, [json.loads(line) for line in lines], served, targets)


def send_all(servers: str) -> None:
    log = kafka(servers)
    log.create("bad", 1)
    writer, now_ms = log.write(), time.time_ns() // 10**6
    for number in range(GOOD):
        writer.send("bad", row(number), key=b"%d" % number, timestamp_ms=now_ms)
        if number == GOOD // 2:
            for one in POISON.values():
                writer.send("bad", one.value, key=one.key, timestamp_ms=now_ms + one.later_ms)
    writer.flush()


def test_what_is_right_goes_on(told: Told) -> None:
    assert (told.served == 1).all(), "the target that is right lacks rows"
    assert len(told.letters) == len(POISON)


@pytest.mark.parametrize("what", POISON)
def test_a_message_that_is_wrong_is_set_aside_with_the_reason(told: Told, what: str) -> None:
    number = list(POISON).index(what)
    letter, poison = told.letters[number], POISON[what]
    assert (letter["topic"], letter["offset"]) == ("bad", GOOD // 2 + 1 + number)
    assert poison.reason in letter["reason"]
    assert letter["value"] == (poison.value and base64.b64encode(poison.value).decode())


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("another model", "rows of model 'mirror' were pushed to 'else'"),
        ("no server of ours", "it is not a server that takes rows"),
        ("nobody", "ParameterSync connect failed"),
    ],
)
def test_a_target_that_is_wrong_is_named(told: Told, what: str, named: str) -> None:
    lines = [line for line in told.said.splitlines() if told.targets[what] in line]
    assert any(named in line for line in lines), told.said


@pytest.mark.parametrize(
    ("more", "status", "named"),
    [
        (("--kafka-topics=nowhere",), 1, "there is no topic 'nowhere'"),
        (("--kafka-topics=bad", f"--kafka-servers={NOBODY}", "--kafka-timeout-secs=1"), 1, NOBODY),
        (("--kafka-topics=bad", "--kafka-config=no.such=1"), 2, "no.such"),
    ],
    ids=["unknown topic", "unreachable broker", "unknown property"],
)
def test_a_stream_that_is_not_there_is_one_sentence(
    folder: Path,
    shared_broker: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    status: int,
    named: str,
) -> None:
    monkeypatch.chdir(folder)
    assert main(job(f"--kafka-servers={shared_broker.servers}", "--model-dir=none", *more), {}) == status
    said = capsys.readouterr().err
    assert named in said
    assert "Traceback" not in said
