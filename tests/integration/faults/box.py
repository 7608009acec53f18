"""An online job in a box: a broker, parameter servers, a worker, and replicas that serve what it learns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monolith.aio.loop_thread import LoopThread
from monolith.core.errors import ServingError, ShardUnavailable
from monolith.core.progress import Silent
from monolith.core.schema import Feature, Kind, Label, Schema, Split
from monolith.data.convert import Chunk, convert
from monolith.ps.blocking import BlockingClient
from monolith.ps.client import PsClient
from monolith.ps.remote import RemoteShard
from monolith.testing.mirror import Mirror
from tests.integration.cli.conftest import DEADLINE_S, Cli
from tests.integration.cli.processes import free_port, until
from tests.integration.discovery.forwarder import Forwarder
from tests.integration.faults import counting
from tests.integration.faults.blows import Blow, Command, Mortal, Part, Victim
from tests.integration.faults.traffic import MODEL, USERS, Reader, Traffic
from tests.integration.stream.conftest import kafka

SERVERS, REPLICAS, PARTITIONS = 2, 2, 3
BATCH, SAVE_STEPS = 32, 20
CHECKPOINT = BATCH * SAVE_STEPS  # messages between two of them, at most
INTERVAL_S = 0.1  # between two pushes
TOPIC = "clicks"
SETTLED_WITHIN_S = 90.0
MIRROR = Mirror(counting.TABLES)
TRAINED = Schema(
    name="counted",
    features=(*MIRROR.schema.features, Feature(name="number", kind=Kind.FLOAT)),
    label=Label(column="likes"),
    split=Split(valid=0.0, test=0.0),
)
CLUSTER = (f"--num-ps={SERVERS}", "--num-workers-cluster=1", "--discovery-path=meet")
Tables = Mapping[str, NDArray[np.float32]]


class Broker(Mortal, Protocol):
    """Of Kafka's protocol."""

    servers: str


class Box:
    """Whoever is restarted is restarted as an operator would do it, with the same command.

    `to_broker` are the ways to the broker's ports that clients take, if they can be cut.
    """

    def __init__(self, folder: Path, broker: Broker, to_broker: Sequence[Forwarder] = ()) -> None:
        self.restarts = 0  # of the trainer, which goes on from a checkpoint
        self.replica_kills = [0] * REPLICAS
        self._repeated = 0  # what was trained again, as far as that is judged
        self._may_end = False  # the trainer, because it or a server was killed
        self.forgotten = False  # what the broker had was sent to it again
        self.readers: list[Reader] = []
        self._folder, self._cli, self.broker = folder, Cli(folder), broker
        self._undo = ExitStack()
        self._loop = LoopThread("box")
        self._undo.callback(self._loop.close)
        kafka(broker.servers, timeout_s=60.0).create(TOPIC, PARTITIONS)
        self.traffic = Traffic(kafka(broker.servers, timeout_s=120.0), TOPIC)
        try:
            self._begin(to_broker)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._undo.close()

    def judged(self) -> None:
        """Begin to count anew what one blow excuses, so that none excuses what comes after a later one."""
        self.restarts, self.replica_kills = 0, [0] * REPLICAS
        self._repeated += self.trained_again()
        for reader in self.readers:
            reader.judged()

    def hit(self, part: Part, blow: Blow) -> None:
        """Harm the first of its kind."""
        self._may_end = blow is Blow.KILLED and part in (Part.TRAINER, Part.PS)
        if blow is Blow.KILLED:
            self.restarts += part is Part.TRAINER
            self.replica_kills[0] += part is Part.REPLICA
        self._victims[part].hit(blow)

    def heal(self, part: Part, blow: Blow) -> None:
        self._victims[part].heal(blow)
        if (part, blow) == (Part.BROKER, Blow.KILLED):  # its log was in its memory
            self.forgotten = True
            kafka(self.broker.servers, timeout_s=60.0).create(TOPIC, PARTITIONS)
            self.traffic.again()
            self.traffic.begin()

    def settle(self) -> Tables:
        """Wait until all that was sent is trained, and each replica has it; the trainer's tables then."""
        self.traffic.end()
        until("all is trained", self._all_trained, SETTLED_WITHIN_S)
        for reader in self.readers:
            until("the replica has what was trained", lambda r=reader: self._same(r), SETTLED_WITHIN_S)
        return self.tables()

    def tables(self) -> Tables:
        """The rows of all users, and of all messages, that the servers have.

        Raises:
            ShardUnavailable: one is not there.
        """
        ports = enumerate(self._server_ports)
        shards = PsClient([RemoteShard(f"127.0.0.1:{port}", shard=i) for i, port in ports])
        client = BlockingClient(shards, self._loop.loop)
        try:
            client.create_tables(MIRROR.configs)
            counts = {"user": USERS, "item": self.traffic.count}
            wanted = {name: MIRROR.fids(name, np.arange(count)) for name, count in counts.items()}
            return client.lookup(wanted, create=False)
        finally:
            client.close()

    def newest_checkpoint(self) -> int:
        """Its step; 0: there is none yet."""
        names = (path.stem for path in (self._folder / "model").glob("checkpoint-*.json"))
        return max((int(name.removeprefix("checkpoint-")) for name in names), default=0)

    def witnessed(self) -> NDArray[np.int64]:
        """How often each message was trained, by number."""
        lines = (self._folder / "witness").read_text().splitlines()
        numbers = [int(n) for line in lines for n in line.split()[1:]]
        return np.bincount(numbers, minlength=self.traffic.count)

    def times_trained(self) -> int:
        """How many messages were trained, those that came twice counted twice."""
        return int(self.witnessed().sum())

    def behind_s(self) -> float:
        """How old the oldest message is that a reader has not seen in a prediction."""
        return max(reader.lags[-1].seconds if reader.lags else float("inf") for reader in self.readers)

    def trained_again(self) -> int:
        """How many times a message was trained that had been trained before, not counting what is judged."""
        return self.times_trained() - self.traffic.count - self._repeated

    def _all_trained(self) -> bool:
        if self._trainer.ended:  # it lost a server: whoever looks after the job starts it again
            assert self._may_end, "the trainer ended, though neither it nor a server was killed"
            self._trainer.start()
            self.restarts += 1
        time.sleep(0.1)
        try:
            return bool((self.tables()["item"] > 0).all())
        except ShardUnavailable:  # it is still starting
            return False

    def _same(self, reader: Reader) -> bool:
        time.sleep(0.05)
        try:
            held = reader.rows(USERS, self.traffic.count)
        except ServingError:  # it is still starting
            return False
        trained = self.tables()
        return all(np.array_equal(trained[name], held[name]) for name in trained)

    def _begin(self, to_broker: Sequence[Forwarder]) -> None:
        (self._folder / "witness").touch()
        data = [Chunk({n: np.arange(2) for n in ("user", "item", "number", "likes")}, "memory")]
        convert(TRAINED, lambda: data, self._folder / "data", Silent())
        MIRROR.write(self._folder / MODEL)
        ports = [free_port() for _ in range(REPLICAS)]
        to_replicas = [self._way(port) for port in ports]
        self._server_ports = [free_port() for _ in range(SERVERS)]
        to_servers = [self._way(port) for port in self._server_ports]
        replicas = [self._replica(i, port) for i, port in enumerate(ports)]
        servers = [self._server(i, way.port, to_replicas) for i, way in enumerate(to_servers)]
        self._trainer = self._worker()
        self._victims = {
            Part.BROKER: Victim(self.broker, to_broker),
            Part.TRAINER: Victim(self._trainer, [*to_broker, *to_servers]),
            Part.PS: Victim(servers[0], to_servers[:1]),
            Part.REPLICA: Victim(replicas[0], to_replicas[:1]),
        }
        for replica, port in zip(replicas, ports, strict=True):
            until("a replica serves", lambda one=replica: "gRPC at" in one.said, DEADLINE_S)
            self.readers.append(Reader(f"127.0.0.1:{port}", self.traffic))
            self._undo.callback(self.readers[-1].close)
        self._undo.callback(self.traffic.end)

    def _way(self, port: int) -> Forwarder:
        way = Forwarder(port)
        self._undo.callback(way.close)
        return way

    def _command(self, name: str, *argv: str) -> Command:
        command = Command(self._cli, name, *argv)
        self._undo.callback(command.kill)
        return command

    def _replica(self, index: int, port: int) -> Command:
        where = ("--host=127.0.0.1", f"--port={port}", "--health-port=0")
        return self._command(f"replica-{index}", "serve", f"--model-path={MODEL}", *where)

    def _server(self, index: int, way: int, targets: Sequence[Forwarder]) -> Command:
        port = self._server_ports[index]
        where = (f"--bind-addr=127.0.0.1:{port}", f"--advertise-addr=127.0.0.1:{way}")
        pushes = [f"--parameter-sync-target=127.0.0.1:{target.port}" for target in targets]
        pace = f"--parameter-sync-interval-ms={INTERVAL_S * 1000:.0f}"
        pushes += [pace, f"--parameter-sync-model-name={MODEL}"]
        return self._command(f"ps-{index}", "ps", f"--index={index}", *CLUSTER, *where, *pushes)

    def _worker(self) -> Command:
        model = f"--model={counting.__file__}:Counting"
        learns = (f"--batch-size={BATCH}", f"--save-steps={SAVE_STEPS}", "--torch-threads=1")
        stream = (f"--kafka-topics={TOPIC}", f"--kafka-servers={self.broker.servers}")
        waits = ("--message-format=json", "--stream-batch-wait-ms=100", "--connect-retries=300")
        where = ("--data=data", "--model-dir=model", "--retry-backoff-ms=200")
        return self._command("worker", "worker", *CLUSTER, model, *learns, *stream, *waits, *where)
