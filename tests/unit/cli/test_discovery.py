"""What an operator sees and does of who is where. The clock is virtual, nobody listens but who is said to."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from monolith.cli.command import Outside, Report, Ui
from monolith.cli.discovery import LookSettings, NameSettings, RegisterSettings, register, watch
from monolith.cli.interrupts import Interrupts
from monolith.cli.main import main
from monolith.config.places import Places
from monolith.config.settings import Settings
from monolith.core.errors import AlreadyRegistered, BackendFailed
from monolith.core.progress import Silent
from monolith.discovery.base import ServiceInfo
from monolith.discovery.memory import InMemory
from monolith.testing import virtual_time
from monolith.testing.faulty_discovery import Fault, FaultyDiscovery

PS0, PS1, PS10 = (ServiceInfo.listed("ps", index, f"h:{index + 1}") for index in (0, 1, 10))
WORKER = ServiceInfo.listed("worker", 0, "w:0")
OTHER = ServiceInfo("x-0", "x-0", "x", "h", 9, {}, registered_at=900.0)


async def only_ps0_listens(address: object) -> bool:
    return address == ("h", 1)


class Shell:
    """A command line over one board; `said` is what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *there: ServiceInfo) -> None:
        self.board = {info.id: info for info in there}
        self._capsys = capsys

    def __call__(self, *argv: str) -> tuple[int, Any]:
        outside = Outside(
            find=lambda *_: InMemory(self.board), listens=only_ps0_listens, clock=lambda: 1000.4
        )
        status = main(["discovery", *argv, "--json"], {}, outside)
        return status, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Callable[..., Shell]:
    return lambda *there: Shell(capsys, *there)


def test_ls_lists_both_types_by_index(shell: Callable[..., Shell]) -> None:
    status, answer = shell(WORKER, PS10, OTHER, PS1, PS0)("ls")
    assert (status, [row["service"] for row in answer["rows"]]) == (0, ["ps-0", "ps-1", "ps-10", "worker-0"])
    assert [row["health"] for row in answer["rows"]] == [
        "listens",
        "does not answer",
        "does not answer",
        None,
    ]


def test_ls_tells_all_of_one(shell: Callable[..., Shell]) -> None:
    said = {"service": "x-0", "type": "x", "index": None, "address": "h:9", "age_s": 100}
    assert shell(OTHER, PS0)("ls", "x") == (0, {"rows": [{**said, "health": "does not answer"}]})


def test_ls_looks_for_a_jobs_own_types(shell: Callable[..., Shell]) -> None:
    _, answer = shell(OTHER, PS0)("ls", "--discovery-service-type-ps=x")
    assert [row["service"] for row in answer["rows"]] == ["x-0"]


def test_who_looks_in_the_wrong_place_is_told_which_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discovery", "ls", f"--discovery-path={tmp_path}"], {}) == 0
    said = capsys.readouterr()
    assert said.err == f"no ps and no worker is registered in host-files {tmp_path}\n"


@pytest.mark.parametrize(
    ("places", "where"),
    [
        ({}, "in-memory"),
        ({"discovery": "zookeeper", "zk_hosts": "zk:2181", "zk_base_path": "/m/j"}, "zookeeper zk:2181/m/j"),
        ({"discovery": "consul", "consul_addr": "agent:8500"}, "consul agent:8500"),
        ({"discovery": "consul"}, "consul"),
        ({"discovery": "mlp"}, "mlp"),
    ],
)
def test_a_place_has_a_name(places: dict[str, str], where: str) -> None:
    assert Places(**places).where == where


def test_a_file_has_an_age(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ps").mkdir()
    (tmp_path / "ps" / "0").write_text("h:1")
    written = (tmp_path / "ps" / "0").stat().st_mtime
    outside = Outside(listens=only_ps0_listens, clock=lambda: written + 7)
    assert main(["discovery", "ls", f"--discovery-path={tmp_path}", "--json"], {}, outside) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["address"], row["age_s"], row["health"]) == ("h:1", 7, "listens")


def test_deregister_takes_away_anybodys(shell: Callable[..., Shell]) -> None:
    asked = shell(PS0, PS1)
    gone = {"service": "ps-0", "type": "ps", "address": "h:1"}
    assert asked("deregister", "ps-0") == (0, {"rows": [gone]})
    assert asked.board == {"ps-1": PS1}
    status, answer = asked("deregister", "ps-0")
    assert (status, answer["error"]) == (1, "Service not found: ps-0")


def test_a_schedulers_list_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {
        "TF_CONFIG": '{"cluster": {"ps": ["h:1"], "worker": ["h:2"]}, "task": {"type": "ps", "index": 0}}'
    }
    assert main(["discovery", "deregister", "worker-0", "--discovery=tf-config", "--json"], environ) == 1
    said = "Configuration error: worker-0 is on a scheduler's list, which nobody else can change"
    assert json.loads(capsys.readouterr().out)["error"] == said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("register",), "SERVICE: must be a service's id, as ps-7\nADDRESS: must be given"),
        (("register", "ps-0"), "ADDRESS: must be given"),
        (
            ("register", "ps-0", "h"),
            "ADDRESS 'h' has no port: write host:port, as in 127.0.0.1:50051 or [::1]:50051",
        ),
        *[
            (("deregister", name), f"service={name!r} (from SERVICE): must be a service's id, as ps-7")
            for name in ("ps", "ps-", "7", "ps-x")
        ],
    ],
)
def test_what_cannot_be_is_told(shell: Callable[..., Shell], argv: tuple[str, ...], said: str) -> None:
    status, answer = shell()(*argv)
    assert (status, answer["error"]) == (2, said)


Told = list[tuple[float, str, dict[str, object]]]


def played(
    command: Callable[[Any, Ui], Report],
    settings: Settings,
    backend: Any,
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[Report, Told]:
    """What `command` reports and tells until `meanwhile` has been awaited, which then asks it to stop."""
    told: Told = []

    def run(play: Coroutine[Any, Any, Any]) -> Any:
        async def both() -> Any:
            playing = asyncio.ensure_future(play)
            await meanwhile()
            ui.stop.ask()
            return await playing

        return virtual_time.run(both())[0]

    def tell(sentence: str, data: dict[str, object]) -> None:
        told.append((asyncio.get_running_loop().time(), sentence, data))

    outside = Outside(find=lambda *_: backend, run=run)
    ui = Ui(Silent(), Interrupts(lambda _sentence: None), {}, outside, tell)
    return command(settings, ui), told


def test_watch_tells_of_each_change() -> None:
    board = {"ps-0": PS0}

    async def meanwhile() -> None:
        await asyncio.sleep(1.5)
        board["worker-0"] = WORKER
        await asyncio.sleep(1)
        board["ps-0"] = ServiceInfo.listed("ps", 0, "h:2")
        await asyncio.sleep(1)
        del board["ps-0"]
        await asyncio.sleep(1)

    report, told = played(watch, LookSettings(), InMemory(board), meanwhile)
    assert report.figures == {"events": 4}
    assert [(at, said) for at, said, _ in told] == [
        (0, "added ps-0 at h:1"),
        (2, "added worker-0 at w:0"),
        (3, "updated ps-0 at h:2"),
        (4, "removed ps-0"),
    ]
    assert told[0][2] == {"event": "added", "service": "ps-0", "type": "ps", "index": 0, "address": "h:1"}
    assert told[3][2] == {"event": "removed", "service": "ps-0", "type": "ps"}


def test_watch_polls_who_cannot_be_watched() -> None:
    backend = FaultyDiscovery(InMemory({"ps-0": PS0}))
    _, told = played(watch, LookSettings(service_type="ps"), backend, lambda: asyncio.sleep(1.5))
    assert [said for _, said, _ in told] == ["added ps-0 at h:1"]
    assert backend.calls == ["connect", "discover", "discover", "disconnect"]


@pytest.mark.parametrize(
    ("name", "types", "kind"),
    [
        ("ps-7", {}, "ps"),
        ("ps-7", {"discovery_service_type_ps": "my_ps"}, "my_ps"),
        ("my_ps-7", {"discovery_service_type_ps": "my_ps"}, "my_ps"),
        ("my-own-7", {}, "my-own"),
    ],
)
def test_an_id_tells_the_type(name: str, types: Mapping[str, str], kind: str) -> None:
    assert NameSettings(service=name, **types).service_type == kind


def test_register_stays_until_it_is_stopped() -> None:
    board: dict[str, ServiceInfo] = {}
    seen = []

    async def meanwhile() -> None:
        await asyncio.sleep(25)
        seen.extend(board.values())

    backend = FaultyDiscovery(InMemory(board))
    settings = RegisterSettings(service="ps-7", address="h:1")
    report, told = played(register, settings, backend, meanwhile)
    assert seen == [ServiceInfo.listed("ps", 7, "h:1")]
    assert backend.calls == ["connect", "register", "heartbeat", "heartbeat", "deregister", "disconnect"]
    assert (report.figures, [said for _, said, _ in told]) == ({"service": "ps-7"}, ["added ps-7 at h:1"])
    assert board == {}


@pytest.mark.parametrize(
    ("backend", "error"),
    [
        (InMemory({"ps-7": PS0}), AlreadyRegistered),
        (FaultyDiscovery(InMemory(), connect=Fault.FAILS), BackendFailed),
    ],
)
def test_who_cannot_register_does_not_stay(backend: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        played(register, RegisterSettings(service="ps-7", address="h:1"), backend, lambda: asyncio.sleep(1))


@pytest.mark.parametrize(("where", "hint"), [((), True), (("--discovery-path=meet",), False)])
def test_who_can_find_nobody_is_told(
    where: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    hint: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["discovery", "ls", *where], {}) == 0
    assert ("no other process can be found: give --discovery-path" in capsys.readouterr().err) is hint
