"""Who comes to harm, before which step and how, and where the other workers stand when it happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monolith.core.names import Role, ServiceId
from tests.matrix.product import Matrix

SERVERS = [ServiceId(Role.PS, index) for index in (0, 1)]
WORKERS = [ServiceId(Role.WORKER, index) for index in (0, 1)]


class Step(StrEnum):
    """Of a life, in order: one stands before it, or, as a server that serves, in it."""

    CONNECT = "connect"
    SERVER = "server"
    REGISTER = "register"
    SERVING = "serving"
    DISCOVER = "discover"
    PS_CONNECT = "ps_connect"
    BARRIER = "barrier"
    TRAINING = "training"
    DEREGISTER = "deregister"
    DISCONNECT = "disconnect"


class Harm(StrEnum):
    KILLED = "killed"
    STOPPED = "stopped"  # it is there, and says nothing
    TERMINATED = "terminated"


LOOKING = (Step.DISCOVER, Step.PS_CONNECT)
# A worker gets there only with all others, and no request to stop cuts it short.
MET = (Step.TRAINING, Step.DEREGISTER, Step.DISCONNECT)
REGISTERED = (Step.SERVING, *LOOKING, Step.BARRIER, Step.TRAINING, Step.DEREGISTER)
LIVES: dict[Role, list[Step]] = {
    Role.PS: [Step.CONNECT, Step.SERVER, Step.REGISTER, Step.SERVING, Step.DEREGISTER, Step.DISCONNECT],
    Role.WORKER: [step for step in Step if step not in (Step.SERVER, Step.SERVING)],
}


@dataclass(frozen=True)
class Case:
    victim: ServiceId
    step: Step
    harm: Harm
    others_at: Step

    def __str__(self) -> str:
        return f"{self.victim}-{self.step}-{self.harm}-others_at_{self.others_at}"

    @property
    def servers(self) -> list[ServiceId]:
        """Those that nothing happens to."""
        return [one for one in SERVERS if one != self.victim]

    @property
    def workers(self) -> list[ServiceId]:
        """Those that nothing happens to."""
        return [one for one in WORKERS if one != self.victim]

    @property
    def leaves_entry(self) -> bool:
        """Whether the victim stays registered: it was, and could not do anything about it."""
        return self.step in REGISTERED and self.harm is not Harm.TERMINATED


CASES = (
    Matrix(
        Case,
        {
            "victim": [*SERVERS, *WORKERS],
            "step": Step,
            "harm": Harm,
            "others_at": (*LOOKING, Step.BARRIER, Step.TRAINING),
        },
    )
    .except_("the step is not in the life of this role", lambda c: c.step not in LIVES[c.victim.role])
    .except_(
        "while a server is not there, workers come no further than to look for it",
        lambda c: (
            c.victim.role is Role.PS and c.step is not Step.SERVING and c.others_at is not Step.DISCOVER
        ),
    )
    .except_(
        "before the barrier no worker needs another",
        lambda c: c.victim.role is Role.WORKER and c.others_at in LOOKING,
    )
    .except_(
        "workers pass the barrier together",
        lambda c: c.victim.role is Role.WORKER and (c.step in MET) != (c.others_at in MET),
    )
)
