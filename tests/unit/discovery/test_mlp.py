"""What the MLP platform's environment says, and what it lets a process say."""

import pytest

from monolith.core.errors import DiscoveryMisconfigured
from monolith.discovery.mlp import Mlp

PLATFORM = {
    "MLP_ROLE": " ps ",
    "MLP_ROLE_INDEX": "1",
    "MLP_HOST": "me",
    "MLP_PS_NUM": "2",
    "MLP_PS_0_PRIMARY_HOST": "p0",
    "MLP_PS_0_HOST": "p0.local",
    "MLP_PS_0_PORT": "5000",
    "MLP_PS_1_PRIMARY_HOST": "::1",
    "MLP_PS_1_HOST": "p1.local",
    "MLP_PS_1_PORT": "5001",
    "MLP_WORKER_NUM": "3",
    "MLP_WORKER_0_PRIMARY_HOST": "w0",
    "MLP_WORKER_0_PORT": "6000",
    "MLP_WORKER_1_PRIMARY_HOST": "w1",
    "MLP_WORKER_2_PORT": "6002",
    "MLP_DATA_NUM": "1",
    "MLP_DATA_0_PRIMARY_HOST": "d0",
    "MLP_DATA_0_PORT": "7000",
    "MLP_CHIEF_NUM": "0",
}
PS = {0: "p0:5000", 1: "[::1]:5001"}


def mlp(roles=None, **changes):
    return Mlp({**PLATFORM, **changes}, roles)


def test_who_i_am():
    me = mlp()
    assert (me.server_type, me.index, me.addr) == ("ps", 1, "[::1]:5001")


@pytest.mark.parametrize("environ", [{}, {"MLP_ROLE": " ", "MLP_ROLE_INDEX": ""}])
def test_i_am_nobody(environ):
    me = Mlp(environ)
    assert (me.server_type, me.index, me.addr, me.query_all()) == (None, 0, None, {})


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("ps", PS),
        ("PS", PS),
        ("my_ps", PS),
        ("worker", {0: "w0:6000"}),  # the others lack a port, or a host
        ("data", {0: "d0:7000"}),
        ("chief", {}),
        ("unheard_of", {}),
    ],
)
def test_others_are_where(name, there):
    assert mlp(roles={"my_ps": "ps"}).query(name) == there


def test_all_of_a_training_job():
    assert mlp().query_all() == {"ps": PS, "worker": {0: "w0:6000"}}


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_is_needed(name):
    with pytest.raises(DiscoveryMisconfigured, match=r"^Configuration error: name must be non-empty$"):
        mlp().query(name)


def test_the_deregistered_can_come_back():
    platform = mlp()
    platform.deregister("PS", 0, "p0:5000")
    assert platform.query("ps") == {1: PS[1]}
    platform.register("ps", 0, "localhost:5000")
    assert platform.query("ps") == PS


def test_all_can_go():
    platform = mlp()
    platform.deregister_all()
    assert [platform.query(name) for name in ("ps", "worker", "data")] == [{}, {}, {}]


@pytest.mark.parametrize(
    "host", ["local", "localhost", "127.0.0.1", "0.0.0.0", "p0", "p0.local", "p1.local", "[::1]", "me"]
)
def test_a_host_may_be_called(host):
    mlp().register("ps", 0, f"{host}:5000")


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_listens_nowhere(index):
    """Its port is 0, whatever port the platform has for it, or none."""
    mlp().register("worker", index, f"w{index}:0")


REFUSALS = [
    (("chief", 0, "c:1"), 'Unknown MLP role "chief"'),
    (("other", -1, "c:1"), 'Unknown MLP role "other"'),
    (("ps", -1, "p0:5000"), "index must be >= 0, got -1"),
    (("ps", 2, "p0:5000"), 'index 2 out of bounds for role "ps" (num_replicas=2)'),
    (("ps", 0, "p0"), 'Invalid addr: "p0"'),
    (("ps", 0, "w0:5000"), 'Host mismatch for "ps".0: got "w0"'),
    (("ps", 0, "p0:x"), 'Invalid port in addr: "p0:x"'),
    (("worker", 1, "w1:1"), "Missing MLP_*_PORT env"),
    (("ps", 0, "p0:1"), 'Port mismatch for "ps".0: expected 5000, got 1'),
]


@pytest.mark.parametrize("operation", ["register", "deregister"])
@pytest.mark.parametrize(("told", "said"), REFUSALS)
def test_the_platform_knows_better(operation, told, said):
    with pytest.raises(DiscoveryMisconfigured) as caught:
        getattr(mlp(), operation)(*told)
    assert str(caught.value) == f"Configuration error: {said}"


@pytest.mark.parametrize("operation", ["register", "deregister"])
def test_the_closed_know_nothing(operation):
    platform = mlp()
    platform.deregister("ps", 0, "p0:5000")
    platform.close()
    getattr(platform, operation)("nonsense", -1, "")
    assert (platform.server_type, platform.addr, platform.query("ps")) == (None, None, {})


@pytest.mark.parametrize(
    ("variable", "asked"),
    [("MLP_PS_NUM", "query"), ("MLP_PS_0_PORT", "query"), ("MLP_PS_0_PORT", "register")],
)
@pytest.mark.parametrize("text", ["x", "-1", "1.5", "٣", "9" * 5000])
def test_a_number_must_be_one(variable, asked, text):
    call = {"query": lambda p: p.query("ps"), "register": lambda p: p.register("ps", 0, "p0:5000")}[asked]
    with pytest.raises(DiscoveryMisconfigured, match=f'^Configuration error: {variable}="{text[:2]}'):
        call(mlp(**{variable: text}))
