"""`monolith serve`: answer requests for predictions until told to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from monolith.cli.command import Command, Report, Ui
from monolith.config.checks import given, name, not_negative, port, positive
from monolith.config.job import Joining
from monolith.config.places import Serving
from monolith.config.settings import Problem, again, setting
from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError

if TYPE_CHECKING:
    from monolith.discovery.base import Discovery
    from monolith.serving.server import ModelServer, ServerOptions


_FOREVER_S = 3600.0  # as long as nobody asks to stop; a wait without an end would not see signals everywhere


def _name_if_given(value: str) -> str | None:
    return name(value) if value else None


def _number_if_given(value: int | None) -> str | None:
    return None if value is None else not_negative(value)


@attrs.frozen(kw_only=True)
class ServeSettings(Serving):
    """Which model, where, how much at a time, and who is told."""

    # fmt: off
    model_path: Path | None = setting(None, "Folder of exported versions.", group="model", short="-d",
                                      check=given, alias="--model-dir")
    model_name: str = setting("", "What requests call the model; the folder's name if not given.",
                              group="model", check=_name_if_given)
    model_version: int | None = setting(None, "Serve this version only; always the newest if not given.",
                                        group="model", check=_number_if_given)
    version_poll_ms: int = setting(1_000, "Time between two looks for a new version.", group="model",
                                   check=positive)
    host: str = setting("0.0.0.0", "Address to listen on.", group="network")  # noqa: S104  # to be reached
    serve_port: int = setting(8500, "Port for gRPC; 0 takes any free one.", group="network", flag="--port",
                              short="-p", check=port)
    health_check: bool = setting(True, "Answer over HTTP too: predictions, health and metrics.",
                                 group="network")
    health_port: int = setting(8501, "Port for HTTP; 0 takes any free one.", group="network", check=port)
    workers: int = setting(4, "gRPC requests computed at a time.", group="limits", short="-w", check=positive)
    max_concurrent_requests: int = setting(100, "Requests under way, waiting ones included; more are "
                                           "refused.", group="limits", check=positive)
    max_message_bytes: int = setting(4 << 20, "Largest request or response.", group="limits", check=positive)
    index: int | None = setting(None, "Which of the serving processes this is; default: a number made of its "
                                "address.", group="discovery", check=_number_if_given)
    advertise_addr: str | None = setting(None, "host:port that who pushes rows is told, port 0 being the "
                                         "bound one; default: where gRPC listens.", group="discovery")
    heartbeat_interval_secs: int = again(Joining, "heartbeat_interval_secs")
    # fmt: on

    @property
    def registers(self) -> bool:
        """Whether it is to be found by parameter servers, which then push to it."""
        return self.discovery is not None or self.discovery_path is not None

    def rules(self) -> Iterator[Problem]:
        if self.registers and _everywhere(self.advertise_addr or str(Address(self.host, self.serve_port))):
            names = ("host", "advertise_addr")
            yield Problem(names, "give an --advertise-addr, host:port that who pushes rows can reach")


def _everywhere(text: str) -> bool:
    try:
        return parse_address(text).everywhere
    except ConfigError:
        return True


def serve(settings: ServeSettings, ui: Ui) -> Report:
    """Announce when requests are welcome, serve until told to stop, tell how many were answered."""
    from monolith.serving.server import ModelServer

    discovery = ui.outside.search(settings, ui.environ) if settings.registers else None
    with ModelServer(_options(settings)) as server, _found(settings, server, discovery):
        ui.progress.say(_welcome(settings.host, server))
        with _news(ui.progress.say):
            while not ui.stop.wait(_FOREVER_S):
                pass
        ui.progress.say("finishing the requests that have begun")
    figures = {"model": server.versions.name, "version": server.versions.version, "answered": server.answered}
    return Report(title="served", figures=figures)


def _found(
    settings: ServeSettings, server: ModelServer, discovery: Discovery | None
) -> AbstractContextManager[None]:
    """While inside, who pushes rows can find the server, if it is to be found."""
    if discovery is None:
        return nullcontext()
    from monolith.runner.presence import Manners, found, replica_info
    from monolith.runner.ps import advertised

    where = advertised(str(Address(settings.host, server.port)), settings.advertise_addr)
    kind, model = settings.discovery_service_type_serving, server.versions.name
    manners = Manners(
        operation_ms=settings.discovery_operation_timeout_ms,
        cleanup_ms=settings.discovery_cleanup_timeout_ms,
        heartbeat_s=settings.heartbeat_interval_secs or None,
    )
    return found(discovery, replica_info(kind, parse_address(where), model, settings.index), manners)


def _welcome(host: str, server: ModelServer) -> str:
    """Said, not reported: the report of a command is what it did, and comes once, at the end."""
    asked = [f"gRPC at {Address(host, server.port)}"]
    if server.http_port is not None:
        asked.append(f"HTTP at http://{Address(host, server.http_port)}")
    return f"serving {server.versions.name}, version {server.versions.version}: {', '.join(asked)}"


@contextmanager
def _news(say: Callable[[str], None]) -> Iterator[None]:
    """While inside, say which versions come, and which cannot."""
    from monolith.serving.versions import log

    heard = logging.Handler()
    heard.emit = lambda record: say(heard.format(record))  # type: ignore[method-assign]
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(heard)
    try:
        yield
    finally:
        log.removeHandler(heard)
        log.setLevel(before)


def _options(settings: ServeSettings) -> ServerOptions:
    from monolith.serving.grpc_server import Limits
    from monolith.serving.server import ServerOptions

    return ServerOptions(
        model_path=settings.model_path or Path(),
        model_name=settings.model_name,
        version=settings.model_version,
        host=settings.host,
        port=settings.serve_port,
        http_port=settings.health_port if settings.health_check else None,
        poll_s=settings.version_poll_ms / 1000,
        limits=Limits(
            workers=settings.workers,
            concurrent=settings.max_concurrent_requests,
            message_bytes=settings.max_message_bytes,
        ),
    )


SERVE = Command(ServeSettings, serve, graceful=True)
