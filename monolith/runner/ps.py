"""One parameter server: listen, be found, serve until told to stop."""

from __future__ import annotations

import logging

from monolith.aio.bounded import bounded
from monolith.aio.stopped import stopped, unless_stopped
from monolith.core.address import Address, parse_address
from monolith.runner.part import Figures, Part, Server

GRACE_S = 5.0  # for calls that are being answered when the server is told to stop
log = logging.getLogger(__name__)


async def serve(part: Part) -> Figures:
    """Serve until `stop` is asked; give what was served.

    Raises:
        OperationTimedOut, OperationFailed: listening or registering went wrong.
        Stopped: `stop` was asked before the server could be found.
    """
    stop = part.world.stop
    server = part.world.serve(part.config.runner, part.config.bind_addr)
    never = f"{part.me} was asked to stop before it served"
    address = await unless_stopped(stop, never, _be_found(part, server))
    part.world.ready(address)
    await stopped(stop)
    return server.figures()


async def _be_found(part: Part, server: Server) -> str:
    config = part.config
    await server.prepare()
    part.unwind.let_go(f"stop {part.me}", lambda: server.stop(GRACE_S), ms=int(2000 * GRACE_S))
    address = advertised(await _listen(part, server), config.advertise_addr)
    log.info("Starting PS gRPC server: %s at %s", part.me, address)
    await part.register(address, allow_update="true")
    return address


async def _listen(part: Part, server: Server) -> str:
    budget = part.config.runner.discovery_operation_timeout_ms
    operation = f"start {part.me} at {part.config.bind_addr}"
    return await bounded(operation, server.start, ms=budget, scope="server operation")


def advertised(bound: str, chosen: str | None) -> str:
    """The address that others are told: `chosen`, where port 0 is the bound one, or else where we listen."""
    if chosen is None:
        return bound
    host, port = parse_address(chosen, what="--advertise-addr")
    return str(Address(host, port or parse_address(bound).port))
