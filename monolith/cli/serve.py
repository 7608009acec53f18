"""`monolith serve`: answer requests for predictions until told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from monolith.cli.command import Command, Report, Ui
from monolith.config.checks import given, name, port, positive
from monolith.config.settings import Settings, setting
from monolith.core.address import Address

if TYPE_CHECKING:
    from monolith.serving.server import ModelServer, ServerOptions


_FOREVER_S = 3600.0  # as long as nobody asks to stop; a wait without an end would not see signals everywhere


def _name_if_given(value: str) -> str | None:
    return name(value) if value else None


@attrs.frozen(kw_only=True)
class ServeSettings(Settings):
    """Which model, where, and how much at a time."""

    # fmt: off
    model_path: Path | None = setting(None, "Folder of exported versions.", group="model", short="-d",
                                      check=given, alias="--model-dir")
    model_name: str = setting("", "What requests call the model; the folder's name if not given.",
                              group="model", check=_name_if_given)
    model_version: int | None = setting(None, "Serve this version only; always the newest if not given.",
                                        group="model")
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
    # fmt: on


def serve(settings: ServeSettings, ui: Ui) -> Report:
    """Announce when requests are welcome, serve until told to stop, tell how many were answered."""
    from monolith.serving.server import ModelServer

    with ModelServer(_options(settings)) as server:
        ui.progress.say(_welcome(settings.host, server))
        while not ui.stop.wait(_FOREVER_S):
            pass
        ui.progress.say("finishing the requests that have begun")
    figures = {"model": server.versions.name, "version": server.versions.version, "answered": server.answered}
    return Report(title="served", figures=figures)


def _welcome(host: str, server: ModelServer) -> str:
    """Said, not reported: the report of a command is what it did, and comes once, at the end."""
    asked = [f"gRPC at {Address(host, server.port)}"]
    if server.http_port is not None:
        asked.append(f"HTTP at http://{Address(host, server.http_port)}")
    return f"serving {server.versions.name}, version {server.versions.version}: {', '.join(asked)}"


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
