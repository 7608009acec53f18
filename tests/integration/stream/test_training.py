"""A training on a real broker that is killed, stopped, spread out: no message is lost, and few come twice."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import numpy as np
import pytest

from monolith.checkpoint.store import CheckpointStore
from tests.integration.cli.conftest import DEADLINE_S
from tests.integration.cli.processes import kill, until
from tests.integration.stream.conftest import Cli, kafka

WITNESS = Path(__file__).with_name("witness.py")
ROWS, BATCH, SAVE_STEPS, PARTITIONS = 8_000, 40, 10, 3
INTERVAL = BATCH * SAVE_STEPS  # rows between two checkpoints

SCHEMA = """
name = "liking"
time = "at"

[[features]]
name = "user"
kind = "integer"
slot = 1

[[features]]
name = "number"
kind = "float"

[label]
column = "likes"

[split]
valid = 0
test = 0
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("liking")
    likes = np.random.default_rng(7).integers(0, 2, ROWS)
    lines = [f"{n % 50},{n},{1_700_000_000 + n // 9},{like}" for n, like in enumerate(likes)]
    (folder / "liking.csv").write_text("\n".join(["user,number,at,likes", *lines, ""]))
    (folder / "schema.toml").write_text(SCHEMA)
    given = ("--input", "liking.csv", "--schema", "schema.toml", "--output-path", "data")
    Cli(folder).run("data", "convert", *given)
    return folder / "data"


@pytest.fixture
def topic(request, shared_broker, dataset, cli):
    """A topic with all rows of the dataset."""
    name = request.node.name.replace("[", "-").replace("]", "")
    to = ("--topic", name, "--servers", shared_broker.servers, "--partitions", str(PARTITIONS))
    assert cli.json("data", "produce", str(dataset), *to)["messages"] == ROWS
    return name


@pytest.fixture
def job(cli, dataset, shared_broker, topic, monkeypatch):
    """The command line of a batch job, and the flags that make it a stream job."""
    monkeypatch.setenv("WITNESS", str(cli.folder / "witness"))
    batch = ["train", "--model", f"{WITNESS}:Witness", "--data", str(dataset), "--model-dir", "model"]
    batch += ["-b", str(BATCH), "--save-steps", str(SAVE_STEPS), "--torch-threads", "1", "--json"]
    stream = ["--kafka-topics", topic, "--kafka-servers", shared_broker.servers]
    return [*batch, *stream, "--stream-timeout-ms", "0", "--stream-poll-timeout-ms", "1500"]


def learned(cli):
    """The rows of each process that trained, in its order."""
    runs: dict[str, list[int]] = {}
    file = cli.folder / "witness"
    for line in file.read_text().splitlines() if file.exists() else ():
        pid, *numbers = line.split()
        runs.setdefault(pid, []).extend(map(int, numbers))
    return list(runs.values())


def rows(cli):
    return sum(map(len, learned(cli)))


def offsets(cli):
    manifest = CheckpointStore(cli.folder / "model").latest()
    assert manifest is not None
    return manifest.offsets


def kill_often(cli, job, ended, kills, seed):
    """Run `job` until it ends, killed so many times on the way; what it learned, run by run."""
    draw = random.Random(seed)
    for _ in range(kills):
        child = cli.start(*job)
        ended(child)
        enough = rows(cli) + draw.randrange(1, 2 * INTERVAL)
        until("it has learned", lambda enough=enough: rows(cli) >= enough, DEADLINE_S)
        assert child.poll() is None, "it ended before it could be killed"
        kill(child.pid)
        child.wait()
    cli.run(*job)
    return learned(cli)


def check(runs, kills):
    times = np.bincount(np.concatenate(runs), minlength=ROWS)
    assert times.min() >= 1, "a message was lost"
    assert times.sum() - ROWS <= kills * INTERVAL, "more came twice than is between two checkpoints"


def test_a_kill_loses_nothing(cli, job, ended):
    runs = kill_often(cli, job, ended, kills=2, seed=1)
    check(runs, kills=2)
    assert sum(offsets(cli).values()) == ROWS


@pytest.mark.soak
@pytest.mark.timeout(900)  # eleven programs are started one after the other
@pytest.mark.parametrize("seed", range(3))
def test_ten_kills_lose_nothing(cli, job, ended, seed):
    check(kill_often(cli, job, ended, kills=10, seed=seed), kills=10)


def test_a_signal_saves_what_was_learned(cli, job, ended):
    child = cli.start(*job, "--stream-timeout-ms=-1")
    ended(child)
    until("it has learned all there is", lambda: rows(cli) >= ROWS)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert json.loads(out)["stopped_early"] is True, err
    assert sum(offsets(cli).values()) == ROWS


def test_a_cluster_shares_a_topic(cli, job):
    figures = json.loads(cli.run(*job, "--num-ps", "2", "--num-workers-cluster", "2"))
    runs = learned(cli)
    assert (len(runs), figures["examples"]) == (2, ROWS)
    check(runs, kills=0)
    assert sum(offsets(cli).values()) == ROWS
    assert json.loads(cli.run(*job))["examples"] == 0  # one worker goes on where two stopped


@pytest.mark.parametrize("more", [(), ("--num-workers-cluster", "2")])
def test_an_unknown_topic_is_named(cli, job, more):
    said = cli.run(*job, "--kafka-topics", "klicks", *more, status=1)
    assert "there is no topic 'klicks'" in said


def test_poison_ends_no_training(cli, job, topic, shared_broker):
    writer = kafka(shared_broker.servers).write()
    for _ in range(5):
        writer.send(topic, b"\xff\xff")
    writer.flush()
    figures = json.loads(cli.run(*job))
    assert (figures["examples"], figures["set_aside"]) == (ROWS, 5)
    lines = (cli.folder / "model/dead-letters/worker-0.jsonl").read_text().splitlines()
    assert [json.loads(line)["topic"] for line in lines] == [topic] * 5
