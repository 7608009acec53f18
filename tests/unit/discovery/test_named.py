"""A platform, asked as a backend is."""

import asyncio

import pytest

from monolith.core.errors import DiscoveryMisconfigured
from monolith.core.names import Role, ServiceId
from monolith.discovery.base import ServiceInfo
from monolith.discovery.mlp import Mlp
from monolith.discovery.named import Named, address_of, roles_of
from monolith.discovery.tf_config import TfConfig

ENVIRON = {"MLP_PS_NUM": "1", "MLP_PS_0_PRIMARY_HOST": "p0", "MLP_PS_0_PORT": "5000"}
ROLES = roles_of("my_ps", "my_worker")
PS0 = ServiceInfo.of(ServiceId(Role.PS, 0), "my_ps", "p0:5000")


@pytest.fixture(
    params=[Mlp(ENVIRON, ROLES), TfConfig({"ps": ("p0:5000",)}, "ps", 0, ROLES)], ids=["mlp", "tf"]
)
def platform(request):
    return request.param


def asked(platform, *steps):
    """What the last of `steps` answers."""

    async def play():
        backend = Named(platform)
        await backend.connect()
        return [await getattr(backend, name)(*args) for name, *args in steps][-1]

    return asyncio.run(play())


def test_roles_have_their_own_names(platform):
    found = asked(platform, ("register", PS0), ("heartbeat", "ps-0"), ("discover", "my_ps"))
    assert found == [ServiceInfo.listed("my_ps", 0, "p0:5000")]


@pytest.mark.parametrize("service_id", ["ps-0", "my-own-0"])
def test_deregistering_is_by_id(service_id):
    platform = Mlp(ENVIRON, roles_of("my-own", "my_worker"))
    assert asked(platform, ("deregister", service_id), ("discover", "my-own")) == []


def test_a_chief_alone_leaves_although_workers_are_not_listed():
    platform = TfConfig({"ps": ("p0:1",), "chief": ("c:1",)}, "chief", 0)
    assert asked(platform, ("deregister", "worker-0"), ("discover", "ps")) == [
        ServiceInfo.listed("ps", 0, "p0:1")
    ]


@pytest.mark.parametrize("service_id", ["ps", "ps-", "ps-x", ""])
def test_an_id_has_a_name_and_an_index(platform, service_id):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        asked(platform, ("deregister", service_id))
    said = f'Configuration error: Cannot infer name/index from service_id "{service_id}"'
    assert str(caught.value) == said


def test_an_index_is_needed(platform):
    with pytest.raises(DiscoveryMisconfigured, match="ps-x has no usable index"):
        asked(platform, ("register", ServiceInfo("ps-x", "ps-x", "my_ps", "p0", 5000)))


@pytest.mark.parametrize(
    ("addr", "said"),
    [("h", "Invalid addr"), (":1", "Invalid addr"), ("::1:1", "Invalid addr")]
    + [(addr, "Invalid port in addr") for addr in ("h:", "h:x", "h:99999", "[::1]:x")],
)
def test_a_listed_address_must_be_one(addr, said):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        address_of(addr)
    assert str(caught.value) == f'Configuration error: {said}: "{addr}"'
