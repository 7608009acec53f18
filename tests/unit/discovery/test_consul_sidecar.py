"""The sidecar's own ways. The clock is virtual."""

import json

import pytest

from monolith.core.errors import (
    BackendFailed,
    DiscoveryClosed,
    HostBlacklisted,
    LookupMalformed,
    NeverCleared,
    OperationTimedOut,
)
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul_sidecar import Patience, Sidecar
from monolith.testing import virtual_time
from monolith.testing.fake_sidecar import Entry, FakeSidecar
from monolith.testing.http_server import HttpServer, Line, Said, Wire
from tests.conformance.consul import FakeSidecarWorld
from tests.conformance.judging import judge
from tests.conformance.laws import LAWS
from tests.upstream import by_name, vectors

PS0 = ServiceInfo.listed("ps", 0, "10.0.0.1:50051")
MOVED = ServiceInfo.listed("ps", 0, "10.0.0.9:50052")
WORKER0 = ServiceInfo.listed("worker", 0, "10.0.0.1:50053")


class Stubborn(FakeSidecar):
    """Never takes anything away."""

    async def answer(self, asked):
        return Said() if "deregister" in asked.path else await super().answer(asked)


class Telling(HttpServer):
    """Answers every lookup with `text`."""

    def __init__(self, text, status=200):
        super().__init__()
        self.said = Said(status, text)

    async def answer(self, asked):
        return self.said


def play(sidecar, doing, patience=Patience()):
    """What `doing` makes of a connected client, and the time that it took."""

    async def run():
        wire = sidecar if isinstance(sidecar, Wire) else Wire(sidecar)
        client = Sidecar("127.0.0.1:2280", "job", patience=patience, transport=wire)
        await client.connect()
        try:
            return await doing(client)
        finally:
            await client.disconnect()

    return virtual_time.run(run())


def paths(sidecar, method="PUT"):
    return [one.path.removeprefix("/v1/agent/") for one in sidecar.asked if one.method == method]


def entry(port=1, **tags):
    return {"Port": port, "Tags": {"name": "ps", "ip": "10.0.0.1", "index": 0, **tags}}


@pytest.mark.parametrize("name", LAWS)
def test_law(name, tmp_path):
    judge(FakeSidecarWorld(tmp_path), name)


async def registered(client, *infos):
    for info in infos:
        await client.register(info)
    return await client.query_all()


def test_a_list_of_tags_comes_back_as_an_object():
    sidecar = FakeSidecar()
    found, took_s = play(sidecar, lambda client: registered(client, PS0, WORKER0))
    assert found == {"ps": {0: "10.0.0.1:50051"}, "worker": {0: "10.0.0.1:50053"}}
    assert took_s == 0
    (first, _) = [json.loads(one.body) for one in sidecar.asked if one.method == "PUT"]
    assert first == {
        "id": "job-50051",
        "name": "job",
        "port": 50051,
        "check": {"ttl": "60s"},
        "tags": ["index:0", "name:ps", "ip:10.0.0.1"],
    }
    assert sidecar.asked[0].params == {"name": ["job"], "addr-family": ["dual-stack"]}


def test_registering_again_asks_nothing():
    sidecar = FakeSidecar()
    play(sidecar, lambda client: registered(client, PS0, PS0))
    assert paths(sidecar) == ["service/register"]


def test_who_was_there_before_must_go():
    sidecar = FakeSidecar()
    found, took_s = play(sidecar, lambda client: registered(client, PS0, MOVED))
    assert found == {"ps": {0: "10.0.0.9:50052"}}
    assert paths(sidecar) == ["service/register", "service/deregister/job-50051", "service/register"]
    assert took_s == 3.0


@pytest.mark.parametrize("tries", [0, 1, 60])
def test_it_is_not_asked_to_go_for_ever(tries):
    sidecar = Stubborn()
    with pytest.raises(NeverCleared, match=r"^Timed out clearing existing consul registration for ps\.0$"):
        play(sidecar, lambda client: registered(client, PS0, MOVED), Patience(replace_tries=tries))
    assert len(paths(sidecar, "GET")) == 2 + max(1, tries) + 1  # of the first; of the second


@pytest.mark.parametrize(("backoff_s", "looks"), [(5.0, 36), (0.0, 180), (100.0, 2)])
def test_a_machine_may_be_blacklisted(backoff_s, looks):
    vector = by_name("service_discovery")["consul_blacklisted_host_never_appears"]
    assert vector["expect"]["raises"] == "OS error"
    sidecar = FakeSidecar(hides=lambda entry: True)
    with pytest.raises(OSError, match=r"^This machine is blacklisted by consul\.$") as caught:
        play(sidecar, lambda client: registered(client, PS0), Patience(backoff_s=backoff_s))
    assert caught.type is HostBlacklisted
    assert len(paths(sidecar, "GET")) == 1 + looks + 1


def test_silence_is_told_after_all_tries():
    vector = by_name("service_discovery")["consul_register_timeout_is_raised_after_retries"]
    assert vector["expect"]["raises"] == "socket timeout"
    wire = Wire(FakeSidecar())
    wire.line = Line.SILENT

    async def late():
        with pytest.raises(OperationTimedOut) as caught:
            await play_in(wire, lambda client: client.register(PS0))
        assert isinstance(caught.value, TimeoutError)

    assert virtual_time.run(late())[1] == 5 * 15 + 4 * 5


async def play_in(wire, doing):
    client = Sidecar("127.0.0.1:2280", "job", transport=wire)
    await client.connect()
    await doing(client)


def test_a_refusal_is_not_tried_again():
    class Refusing(FakeSidecar):
        async def answer(self, asked):
            return Said(500, "no") if asked.method == "PUT" else await super().answer(asked)

    sidecar = Refusing()
    with pytest.raises(BackendFailed, match=r"^Internal error: Consul register_entity failed: HTTP 500: no$"):
        play(sidecar, lambda client: registered(client, PS0))
    assert len(paths(sidecar)) == 1


def test_a_refused_lookup_finds_nobody(caplog):
    assert play(Telling("no such thing", 404), lambda client: client.discover("ps"))[0] == []
    assert "consul: request failed: HTTP 404: no such thing" in caplog.text


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"Tags": entry()["Tags"]}, "missing Port"),
        (entry(port="1"), "missing Port"),
        (entry(port=None), "missing Port"),
        ("no object", "missing Port"),
        ({"Port": 1}, "missing Tags"),
        ({"Port": 1, "Tags": ["name:ps", "index:0"]}, "missing Tags"),
        (entry(name=None), "missing tag 'name'"),
        (entry(name=7), "missing tag 'name'"),
        (entry(ip=None), "missing tag 'ip'"),
        (entry(index=None), "missing/invalid tag 'index'"),
        (entry(index="x"), "missing/invalid tag 'index'"),
        (entry(index=-1), "missing/invalid tag 'index'"),
        (entry(index=1.5), "missing/invalid tag 'index'"),
    ],
)
def test_an_entry_that_is_none_is_named(told, what):
    sidecar = Telling(json.dumps([entry(), told]))
    with pytest.raises(LookupMalformed) as caught:
        play(sidecar, lambda client: client.query_all())
    assert str(caught.value) == f"Malformed consul lookup response at entry 1: {what}"


@pytest.mark.parametrize("index", [3, "3"])
def test_an_index_may_be_text(index):
    found, _ = play(Telling(json.dumps([entry(index=index)])), lambda client: client.discover("ps"))
    assert [info.index for info in found] == [3]


@pytest.mark.parametrize("text", ["", "<html>", "{}"])
def test_what_is_no_list_is_told(text):
    with pytest.raises(BackendFailed, match="Consul get_service_nodes failed: invalid JSON: "):
        play(Telling(text), lambda client: client.discover("ps"))


def test_signs_of_life_end_with_deregister():
    sidecar = FakeSidecar()

    async def doing(client):
        await client.register(PS0)
        await client.heartbeat("ps-0")
        await client.deregister("ps-0")
        await client.heartbeat("ps-0")

    play(sidecar, doing)
    assert paths(sidecar, "GET").count("check/pass/service:job-50051") == 1


def test_a_goodbye_spares_the_successor():
    sidecar = FakeSidecar()

    async def doing(client):
        await client.register(PS0)
        sidecar.entries = {"job-50052": Entry("job", 50052, {"name": "ps", "index": "0", "ip": "10.0.0.9"})}
        await client.deregister("ps-0")
        return await client.discover("ps")

    assert play(sidecar, doing)[0] == [MOVED]
    assert paths(sidecar) == ["service/register"]


def test_what_was_lost_is_registered_again():
    sidecar = FakeSidecar()

    async def doing(client):
        await client.register(PS0)
        sidecar.entries.clear()
        await client.heartbeat("ps-0")
        return await client.discover("ps")

    assert play(sidecar, doing)[0] == [PS0]


@pytest.mark.parametrize(
    "vector", vectors("service_discovery", "consul_names_are_separate", "deregister_all")
)
def test_what_the_original_promises_holds(vector):
    sidecar = FakeSidecar()
    sidecar.entries["other-1"] = Entry("other", 1, {})

    async def doing(client):
        answers = []
        for operation, *how in vector["given"]["calls"]:
            match operation:
                case "register":
                    await client.register(ServiceInfo.listed(*how))
                case "deregister_all":
                    await client.deregister_all()
                case "query":
                    answers.append({str(info.index): info.address for info in await client.discover(*how)})
        return answers

    assert play(sidecar, doing)[0] == vector["expect"]["queries"]
    assert "other-1" in sidecar.entries


@pytest.mark.parametrize("operation", ["query all", "deregister all"])
def test_a_whole_job_needs_a_connection(operation):
    client = Sidecar("127.0.0.1:2280", "job")
    with pytest.raises(DiscoveryClosed, match=f"^cannot {operation}: Sidecar is not connected$"):
        virtual_time.run(getattr(client, operation.replace(" ", "_"))())
