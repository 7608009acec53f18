"""Where the workers of a job meet: the only way in which they know of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from monolith.core.errors import MonolithError, RoundFailed, told
from monolith.estimator.rounds import Place

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient

_DONE = b"done "


@attrs.frozen
class Meeting:
    """The place of one worker among the others; nobody waits longer than `timeout_ms` for anybody."""

    client: BlockingClient
    place: Place
    timeout_ms: int

    def gather(self, name: str, payload: bytes) -> tuple[bytes, ...]:
        """Wait until everyone is at `name`, and hear what each has brought, by worker.

        Raises:
            BarrierTimedOut: not everyone came in time.
        """
        place = self.place
        return self.client.gather(name, place.worker, place.num_workers, payload, self.timeout_ms)

    def chief_does(self, name: str, act: Callable[[], bytes]) -> bytes:
        """Let the chief act while the others wait: everyone gets what it gives, or fails where it fails.

        Raises:
            RoundFailed: at the others, with what went wrong at the chief.
        """
        payload = b""
        if self.place.chief:
            try:
                payload = _DONE + act()
            except MonolithError as exc:
                self._give_up(name, exc)
                raise
        answer = self.gather(name, payload)[0]
        if not answer.startswith(_DONE):
            raise RoundFailed(f"worker-0 failed at {name}: {answer.decode()}")
        return answer.removeprefix(_DONE)

    def _give_up(self, name: str, exc: MonolithError) -> None:
        """Do not let the others wait for what will not come."""
        try:
            self.gather(name, told(exc).encode())
        except MonolithError as late:
            exc.add_note(f"the others could not be told at {name}: {told(late)}")
