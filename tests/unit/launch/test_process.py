"""A real child process: what it says, tells, and how it ends."""

import queue
from pathlib import Path

import pytest

from monolith.core.names import Role, ServiceId
from monolith.launch.process import Ended, Happening, Happenings, RoleProcess

ROLE = ServiceId(Role.WORKER, 3)
DEADLINE_S = 30


def until_end(happenings: Happenings) -> list[Happening]:
    seen: list[Happening] = []
    while not seen or not isinstance(seen[-1], Ended):
        seen.append(happenings.get(timeout=DEADLINE_S))
    return seen


def test_last_lines_come_with_the_end() -> None:
    happenings: Happenings = queue.Queue()
    process = RoleProcess(ROLE, ["no-such-command"], happenings)
    ended = until_end(happenings)[-1]
    process.close()
    assert isinstance(ended, Ended)
    assert ended.status == 2
    assert "no-such-command" in ended.last_lines[-1]


@pytest.mark.parametrize(("how", "status"), [("stop", 0), ("kill", -9)])
def test_ends_as_it_is_told(how: str, status: int, tmp_path: Path) -> None:
    happenings: Happenings = queue.Queue()
    process = RoleProcess(ROLE, ["ps", f"--discovery-path={tmp_path}"], happenings)
    happenings.get(timeout=DEADLINE_S)  # it is ready
    getattr(process, how)()
    ended = until_end(happenings)[-1]
    process.close()
    assert isinstance(ended, Ended)
    assert ended.status == status
