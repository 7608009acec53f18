"""The whole way on a cluster of processes: learn, survive, stop, resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import alive, descendants, kill, role_pid, until
from tests.integration.discovery.ensemble import Server

Ended = Callable[[subprocess.Popen[str]], None]
CLUSTER = ("--num-ps=2", "--num-workers-cluster=2")
STEPS = 300


def train(dataset: Path, *more: str) -> tuple[str, ...]:
    """The command of these tests: enough steps to learn, saves on the way."""
    settings = ("--batch-size=64", "--save-steps=60", "--epochs=100", f"--train-steps={STEPS}")
    return ("train", "--model=deepfm", f"--data={dataset}", "--model-dir=runs", *settings, *more)


def auc_of(cli: Cli, dataset: Path) -> float:
    """What the checkpoint in `runs` reaches on the test split."""
    auc: float = cli.json("evaluate", f"--data={dataset}", "--model-dir=runs")["auc"]
    return auc


def saved(cli: Cli) -> list[int]:
    """The steps of the checkpoints that stand."""
    return sorted(int(p.stem.rpartition("-")[2]) for p in (cli.folder / "runs").glob("checkpoint-*.json"))


@pytest.fixture(scope="session")
def undisturbed(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """The AUC that nobody's death has touched."""
    cli = Cli(tmp_path_factory.mktemp("undisturbed"))
    result = cli.json(*train(dataset, *CLUSTER))
    assert result["steps"] == STEPS
    return auc_of(cli, dataset)


def test_cluster_learns_and_resumes_after_kill(
    cli: Cli, dataset: Path, undisturbed: float, ended: Ended
) -> None:
    job = cli.start(*train(dataset, *CLUSTER))
    ended(job)
    until("a checkpoint", lambda: bool(saved(cli)))
    everyone = [job.pid, *descendants(job.pid)]
    for pid in everyone:
        kill(pid)
    until("all dead", lambda: not alive(everyone[1:]))
    result = cli.json(*train(dataset, *CLUSTER))
    assert result["steps"] == STEPS
    assert 0 < result["examples"] < STEPS * 64  # it did not begin anew
    resumed = auc_of(cli, dataset)
    print(f"AUC undisturbed {undisturbed:.4f}, killed and resumed {resumed:.4f}")
    assert resumed > undisturbed - 0.02  # few rows: the noise of a small test set
    assert undisturbed > 0.8


@pytest.mark.parametrize(("role", "index"), [("ps", 1), ("worker", 0), ("worker", 1)])
def test_a_death_ends_the_job(cli: Cli, dataset: Path, ended: Ended, role: str, index: int) -> None:
    job = cli.start(*train(dataset, *CLUSTER, "--train-steps=100000", "--epochs=100000"))
    ended(job)
    until("a checkpoint", lambda: bool(saved(cli)))
    everyone = descendants(job.pid)
    kill(role_pid(job, role, index))
    _, err = job.communicate(timeout=DEADLINE_S)
    assert job.returncode == 1
    assert f"{role}-{index} was ended by SIGKILL; the same command goes on from checkpoint-" in err
    assert alive(everyone) == []


def test_interrupt_saves_and_says_so(cli: Cli, dataset: Path, ended: Ended) -> None:
    job = cli.start(*train(dataset, *CLUSTER, "--train-steps=100000", "--epochs=100000", "--json"))
    ended(job)
    until("a checkpoint", lambda: bool(saved(cli)))
    everyone = descendants(job.pid)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=DEADLINE_S)
    assert job.returncode == 130, err
    assert f"checkpoint-{saved(cli)[-1]}.json" in out
    assert alive(everyone) == []


@pytest.mark.parametrize(
    ("reached", "how", "status"),
    [
        ("everyone", signal.SIGTERM, 0),
        ("everyone", signal.SIGINT, 130),
        ("worker-0", signal.SIGTERM, 0),
        ("worker-0", signal.SIGINT, 0),
    ],
    ids=["as systemd does", "all interrupted", "one worker", "one worker interrupted"],
)
def test_whoever_is_asked_to_stop_the_last_step_is_saved(
    cli: Cli, dataset: Path, ended: Ended, reached: str, how: signal.Signals, status: int
) -> None:
    job = cli.start(*train(dataset, *CLUSTER, "--train-steps=100000", "--epochs=100000", "--json"))
    ended(job)
    until("a checkpoint", lambda: bool(saved(cli)))
    everyone = [*descendants(job.pid), job.pid]
    for pid in everyone if reached == "everyone" else [role_pid(job, "worker", 0)]:
        os.kill(pid, how)
    out, err = job.communicate(timeout=DEADLINE_S)
    assert job.returncode == status, err
    assert json.loads(out)["steps"] == saved(cli)[-1]
    assert alive(everyone[:-1]) == []


def test_second_interrupt_ends_at_once(cli: Cli, dataset: Path, ended: Ended) -> None:
    job = cli.start(*train(dataset, *CLUSTER, "--train-steps=100000", "--epochs=100000"))
    ended(job)
    assert job.stderr
    until("a server", lambda: "ready at" in job.stderr.readline())  # type: ignore[union-attr]
    stuck = role_pid(job, "worker", 1)
    everyone = descendants(job.pid)
    kill(stuck, signal.SIGSTOP)  # it will not stop when asked
    job.send_signal(signal.SIGINT)
    until("the request", lambda: "Ctrl-C again" in job.stderr.readline())  # type: ignore[union-attr]
    job.send_signal(signal.SIGINT)
    assert job.wait(DEADLINE_S) == 130
    until("all gone", lambda: alive(everyone) == [])


@pytest.mark.parametrize("minded", [True, False], ids=["minded", "nohup"])
def test_a_terminal_that_goes_away_costs_no_step(
    cli: Cli, dataset: Path, ended: Ended, *, minded: bool
) -> None:
    ours, theirs = os.openpty()
    job = cli.start(
        *train(dataset, *CLUSTER, "--save-steps=0", f"--train-steps={100_000 if minded else STEPS}"),
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
        preexec_fn=None if minded else lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    ended(job)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        until("the first step", lambda: b"Step 0:" in terminal.read(1 << 16))
    job.send_signal(signal.SIGHUP)  # as the system does to those whose terminal it was
    assert job.wait(DEADLINE_S) == 1  # its report came to nobody
    assert saved(cli) if minded else saved(cli) == [STEPS]


def test_roles_outlive_nobody(cli: Cli, dataset: Path, ended: Ended) -> None:
    job = cli.start(*train(dataset, *CLUSTER, "--train-steps=100000", "--epochs=100000"))
    ended(job)
    until("a checkpoint", lambda: bool(saved(cli)))
    everyone = descendants(job.pid)
    kill(job.pid)
    until("all gone", lambda: alive(everyone) == [])


def test_same_seed_same_bytes(cli: Cli, dataset: Path) -> None:
    contents = []
    for folder in ("one", "two"):
        cluster = ("--num-ps=2", "--num-workers-cluster=1")
        cli.run(*train(dataset, *cluster), f"--model-dir={folder}")
        files = sorted(p for p in (cli.folder / folder).rglob("checkpoint*") if p.is_file())
        files += sorted(p for p in (cli.folder / folder).glob("checkpoint-*/*"))
        contents.append({str(p.relative_to(cli.folder / folder)): p.read_bytes() for p in files})
    assert contents[0].keys() == contents[1].keys()
    assert [n for n in contents[0] if contents[0][n] != contents[1][n]] == []
    assert len(contents[0]) > 8


def test_another_number_of_servers_goes_on(cli: Cli, dataset: Path) -> None:
    cli.run(*train(dataset, *CLUSTER))
    before = auc_of(cli, dataset)
    result = cli.json(*train(dataset, "--num-ps=3", "--num-workers-cluster=1", f"--train-steps={STEPS + 30}"))
    assert result["steps"] == STEPS + 30
    assert auc_of(cli, dataset) > before - 0.02


def test_another_number_of_workers_reads_every_row_of_the_next_epoch(cli: Cli, dataset: Path) -> None:
    job = ("train", "--model=lr", f"--data={dataset}", "--model-dir=runs", "--batch-size=64", "--num-ps=1")
    two = cli.json(*job, "--num-workers-cluster=1", "--epochs=2")["examples"]
    assert cli.json(*job, "--num-workers-cluster=2", "--epochs=3")["examples"] == two / 2


def test_a_restart_of_zookeeper_costs_no_step(
    cli: Cli, dataset: Path, undisturbed: float, zookeeper: Server, ended: Ended
) -> None:
    places = ("--discovery=zookeeper", f"--zk-hosts={zookeeper.hosts}", "--zk-base-path=/jobs/liking")
    patient = ("--heartbeat-interval-secs=1", "--discovery-cleanup-timeout-ms=20000")
    steps = 5 * STEPS  # some seconds of them: the restart is over before the job is

    def start(*argv: str) -> subprocess.Popen[str]:
        process = cli.start(*argv, *CLUSTER, *patient, *places)
        ended(process)
        return process

    servers = [start("ps", f"--index={index}") for index in (0, 1)]
    learn = train(dataset, f"--train-steps={steps}")[1:]
    workers = [start("worker", f"--index={index}", *learn) for index in (0, 1)]
    until("a checkpoint", lambda: bool(saved(cli)) or workers[0].poll() is not None, DEADLINE_S)
    begun = saved(cli)
    zookeeper.restart()
    told = [worker.communicate(timeout=DEADLINE_S) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told
    assert begun[-1] < steps == saved(cli)[-1]  # it was in the middle, and the job came to its end
    for server in servers:
        server.terminate()
    assert [server.wait(DEADLINE_S) for server in servers] == [0, 0]
    auc = auc_of(cli, dataset)
    print(f"AUC undisturbed {undisturbed:.4f}, with a restart of ZooKeeper {auc:.4f}")
    assert auc > undisturbed - 0.02  # few rows: the noise of a small test set
