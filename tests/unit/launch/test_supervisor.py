"""The supervisor against roles that follow a script."""

from collections.abc import Sequence

import pytest

from monolith.core.errors import RoleDied
from monolith.core.names import Role, ServiceId
from monolith.core.progress import Silent
from monolith.core.stop import Stop
from monolith.launch import supervisor
from monolith.launch.events import Event
from monolith.launch.process import Ended, Happenings, Said, Told
from monolith.launch.supervisor import CHIEF, Job, Supervisor

PS = ServiceId(Role.PS, 0)
SECOND = ServiceId(Role.WORKER, 1)


class Scripted:
    """A process that has said what it will say, and ends when it is asked to."""

    all: list["Scripted"] = []

    def __init__(self, role: ServiceId, argv: Sequence[str], happenings: Happenings) -> None:
        self.role, self.calls, self._happenings = role, [], happenings
        self.all.append(self)
        for happening in argv:
            happenings.put(happening)  # type: ignore[arg-type]

    def stop(self) -> None:
        self.calls.append("stop")
        self._happenings.put(Ended(self.role, 0))

    def kill(self) -> None:
        self.calls.append("kill")
        self._happenings.put(Ended(self.role, -9))

    def close(self) -> None:
        self.calls.append("close")


class Deaf(Scripted):
    """One that does not end when it is asked to."""

    def stop(self) -> None:
        self.calls.append("stop")


class Listening(Silent):
    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, what: str, total: int | None, unit: str) -> None:
        self.told.append((what, total, unit))

    def say(self, sentence: str) -> None:
        self.told.append(sentence)


def supervise(
    roles: dict[ServiceId, list[object]], stop: Stop | None = None, start: type[Scripted] = Scripted
) -> tuple[object, Listening]:
    Scripted.all = []
    progress = Listening()
    job = Job(roles, lambda: "go on from checkpoint-7")  # type: ignore[arg-type]
    one = Supervisor(job, progress, stop or Stop(), start=start)  # type: ignore[arg-type]
    return one.run(), progress


def test_job_ends_with_its_workers() -> None:
    result, progress = supervise(
        {
            PS: [Told(PS, Event("ready", {"address": "h:1"}))],
            CHIEF: [
                Told(CHIEF, Event("begin", {"what": "train", "total": 5, "unit": "steps"})),
                Told(CHIEF, Event("result", {"steps": 5})),
                Ended(CHIEF, 0),
            ],
            SECOND: [Told(SECOND, Event("begin", {"what": "x"})), Said(SECOND, "hello"), Ended(SECOND, 0)],
        }
    )
    assert result == {"steps": 5}
    assert progress.told == ["[ps-0] ready at h:1", ("train", 5, "steps"), "[worker-1] hello"]
    assert [p.calls for p in Scripted.all] == [["stop", "close"], ["close"], ["close"]]


@pytest.mark.parametrize("dead", [PS, SECOND], ids=str)
@pytest.mark.parametrize("status", [1, -9])
def test_a_death_ends_the_job(dead: ServiceId, status: int) -> None:
    roles: dict[ServiceId, list[object]] = {PS: [], CHIEF: [], SECOND: []}
    roles[dead] = [Ended(dead, status, ("Traceback", "boom"))]
    with pytest.raises(RoleDied, match="boom") as caught:
        supervise(roles)
    assert str(dead) in str(caught.value)
    assert "go on from checkpoint-7" in str(caught.value)
    assert ("SIGKILL" if status < 0 else "exit code 1") in str(caught.value)
    assert all(p.calls[-1] == "close" for p in Scripted.all)


def test_ps_that_ends_early_is_a_death() -> None:
    with pytest.raises(RoleDied, match="exit code 0"):
        supervise({PS: [Ended(PS, 0)], CHIEF: []})


def test_stop_is_passed_on_to_workers() -> None:
    stop = Stop()
    stop.ask()
    supervise({PS: [], CHIEF: []}, stop)
    assert [p.calls for p in Scripted.all] == [["stop", "close"], ["stop", "close"]]


def test_servers_that_do_not_stop_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0)
    supervise({PS: [], CHIEF: [Ended(CHIEF, 0)]}, start=Deaf)
    assert [p.calls for p in Scripted.all] == [["stop", "kill", "close"], ["close"]]


def test_workers_that_do_not_stop_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SAVE_GRACE_S", 0)
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0)
    stop = Stop()
    stop.ask()
    with pytest.raises(RoleDied, match=r"worker-0 did not stop within 0 s.*go on from checkpoint-7"):
        supervise({PS: [], CHIEF: []}, stop, start=Deaf)
    assert [p.calls[-2:] for p in Scripted.all] == [["kill", "close"]] * 2
