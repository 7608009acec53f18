"""From settings and environment to the Consul that they mean."""

import asyncio
import json
import socket

import pytest

from monolith.config.places import ConsulFlavour, Places
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul import Consul
from monolith.discovery.consul_choice import chosen_consul
from monolith.discovery.consul_sidecar import Sidecar, place
from monolith.testing.fake_consul import FakeConsul
from monolith.testing.http_server import Wire


@pytest.mark.parametrize(
    ("flavour", "addr", "environ", "expected"),
    [
        ("agent", "mine:8500", {}, (Consul, "mine:8500")),
        ("agent", None, {"CONSUL_HTTP_ADDR": "agent:8500"}, (Consul, "agent:8500")),
        ("agent", "mine:8500", {"CONSUL_HTTP_ADDR": "agent:8500"}, (Consul, "mine:8500")),
        ("sidecar", "/run/sock", {"CONSUL_HTTP_HOST": "h"}, (Sidecar, "/run/sock")),
        ("sidecar", None, {"CONSUL_HTTP_HOST": "h"}, (Sidecar, "h:2280")),
    ],
)
def test_settings_win_over_the_environment(flavour, addr, environ, expected):
    places = Places(consul_flavour=ConsulFlavour(flavour), consul_addr=addr, consul_service_name="job")
    found = chosen_consul(places, environ)
    assert ((type(found), found.address), found.service_name) == (expected, "job")


@pytest.mark.parametrize(
    ("ttl_s", "check"), [(30.0, "30.000s"), (0.5, "0.500s"), (0.0, None)], ids=["usual", "short", "none"]
)
def test_what_is_set_is_sent(monkeypatch, ttl_s, check):
    agent = FakeConsul(token="s3cret", datacenter="far")
    monkeypatch.setattr("httpx.AsyncHTTPTransport", lambda **_: Wire(agent))
    places = Places(consul_addr="agent:8500", consul_datacenter="far", consul_ttl_secs=ttl_s)

    async def play():
        backend = chosen_consul(places, {"CONSUL_HTTP_TOKEN": " s3cret\n"})
        await backend.connect()
        await backend.register(ServiceInfo.listed("ps", 0, "h:1"))
        await backend.disconnect()

    asyncio.run(play())
    first, second = agent.asked[:2]
    assert json.loads(first.body).get("Check", {}).get("TTL") == check
    assert (second.param("dc"), second.headers["x-consul-token"]) == ("far", "s3cret")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "127.0.0.1:2280"),
        ({"CONSUL_HTTP_HOST": "h"}, "h:2280"),
        ({"CONSUL_HTTP_HOST": "h", "CONSUL_HTTP_PORT": "1"}, "h:1"),
        ({"TCE_HOST_IP": "t"}, "t:2280"),
        ({"CONSUL_HTTP_HOST": "h", "TCE_HOST_IP": "t"}, "h:2280"),
        ({"CONSUL_HTTP_HOST": "", "TCE_HOST_IP": "t"}, "127.0.0.1:2280"),
        ({"CONSUL_HTTP_HOST": "/run/sock"}, "/run/sock"),
        ({"CONSUL_HTTP_PORT": "1"}, "127.0.0.1:1"),
    ],
)
def test_the_environment_knows_the_sidecar(environ, expected, tmp_path):
    assert place(environ, tmp_path / "no.sock") == expected


def test_a_socket_is_preferred(tmp_path):
    path = tmp_path / "consul.sock"
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(path))
        assert place({}, path) == str(path)
