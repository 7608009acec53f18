"""A model server: versions that are watched, and the two ways to ask them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from monolith.core.address import Address
from monolith.core.errors import ServingError
from monolith.serving.grpc_api import generic_handlers
from monolith.serving.grpc_server import GrpcServer, Limits
from monolith.serving.http_api import HttpApi
from monolith.serving.http_server import HttpServer
from monolith.serving.manifest import MANIFEST, version_folders
from monolith.serving.metrics import ServingMetrics
from monolith.serving.push_api import PushApi
from monolith.serving.push_metrics import PushMetrics
from monolith.serving.replica import Replica
from monolith.serving.service import PredictionService
from monolith.serving.versions import Versions

GRACE_S = 30.0  # for requests that are being answered when the server is told to stop
log = logging.getLogger(__name__)


def unix_ms() -> int:
    """The time of day."""
    return time.time_ns() // 1_000_000


@attrs.frozen(kw_only=True)
class ServerOptions:
    """Where to listen, and for which model. Port 0 takes any free one; an `http_port` of None opens none."""

    model_path: Path
    model_name: str = ""  # empty: the folder's name
    version: int | None = None  # None: always the newest
    host: str = "0.0.0.0"  # noqa: S104  # a server's purpose is to be reached
    port: int = 8500
    http_port: int | None = 8501
    poll_s: float = 1.0  # between two looks for a new version
    limits: Limits = Limits()


class ModelServer(AbstractContextManager["ModelServer"]):
    """Serves from `start` to `stop`, or while its block lasts; it listens on `port` and `http_port`."""

    def __init__(self, options: ServerOptions, clock_ms: Callable[[], int] = unix_ms) -> None:
        self._options = options
        name = options.model_name or options.model_path.name
        self.replica = replica = Replica(name, clock_ms)
        self.versions = Versions(options.model_path, replica.load, name=name, pinned=options.version)
        self.port = 0
        self.http_port: int | None = None
        self._metrics = metrics = ServingMetrics()
        held = PredictionService(self.versions, metrics)
        pushes = PushApi(replica, PushMetrics(metrics.registry), clock_ms)
        self._grpc = GrpcServer(
            str(Address(options.host, options.port)), generic_handlers(held, pushes, metrics), options.limits
        )
        self._http = self._http_server(
            HttpApi(
                held,
                metrics,
                max_bytes=options.limits.message_bytes,
                concurrent=options.limits.concurrent,
                ready=lambda: not self._stopping.is_set(),
            )
        )
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="versions")

    def start(self) -> None:
        """Load a version, then listen.

        Raises:
            ServingError: no version can be loaded, or an address cannot be listened on.
        """
        self._load_first()
        try:
            self.port = self._grpc.start()
            if self._http:
                self.http_port = self._http.start()
        except BaseException:
            self._grpc.stop(0)
            raise
        self._poller.start()

    def stop(self) -> None:
        """Refuse what is new, answer what has begun; after `GRACE_S` seconds, do not."""
        self._stopping.set()
        if self._http:
            self._http.stop(GRACE_S)
        self._grpc.stop(GRACE_S)
        if self._http:
            self._http.join()
        self._poller.join()

    def __enter__(self) -> ModelServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def answered(self) -> int:
        """Requests answered so far, refusals included."""
        return self._metrics.answered

    def _http_server(self, api: HttpApi) -> HttpServer | None:
        port = self._options.http_port
        if port is None:
            return None
        return HttpServer(self._options.host, port, api.app())

    def _load_first(self) -> None:
        self.versions.poll()
        if self.versions.version is not None:
            return
        wanted = "version" if self._options.version is None else f"version {self._options.version}"
        where = self._options.model_path
        raise ServingError(
            f"no {wanted} of a model to serve in {where}{self._why_none(where)}", model=self.versions.name
        )

    def _why_none(self, where: Path) -> str:
        if problems := [s.problem for s in self.versions.status() if s.problem]:
            return f": {'; '.join(problems)}"
        if (where / MANIFEST).exists():
            return ": that is a version itself, give the folder that it is in"
        if there := sorted(version_folders(where)):
            return f": it has {', '.join(map(str, there))}"
        return "; write one with `monolith export`"

    def _poll(self) -> None:
        trouble = ""
        while not self._stopping.wait(self._options.poll_s):
            trouble = self._look(trouble)

    def _look(self, before: str) -> str:
        """Look for a new version; give what is in the way, told where it is not what was `before`."""
        try:
            self.versions.poll()
        except ServingError as exc:
            if str(exc) != before:
                log.warning("%s; version %s goes on", exc, self.versions.version)
            return str(exc)
        return ""
