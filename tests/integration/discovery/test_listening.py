"""A port that listens, and one that does not."""

import asyncio
import socket

import pytest

from monolith.core.address import Address
from monolith.discovery.listening import answers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_listens_answers(host):
    async def play():
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), host, 0)
        port = server.sockets[0].getsockname()[1]
        before = await answers(Address(host, port))
        server.close()
        await server.wait_closed()
        return before, await answers(Address(host, port))

    assert asyncio.run(play()) == (True, False)


def test_a_bound_port_is_not_enough():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert not asyncio.run(answers(Address(*bound.getsockname())))


def test_a_name_that_is_none_does_not_answer():
    assert not asyncio.run(answers(Address("no-such-host.invalid", 1)))
