"""What if someone interrupts while a step hangs, a server serves, or a worker trains?"""

from dataclasses import dataclass
from enum import StrEnum

from monolith.core.names import Role
from tests.matrix.axes import Door, Fault, Mode, Names, Scenario, Step
from tests.matrix.product import Matrix
from tests.matrix.specs.lifecycle import OF_WORKERS


class Blow(StrEnum):
    CANCELLED = "cancelled"
    CANCELLED_AGAIN = "cancelled_again"  # while the cleanup runs
    STOPPED = "stopped"  # as SIGTERM does
    STOPPED_AGAIN = "stopped_again"


@dataclass(frozen=True)
class Interruption:
    role: Role
    during: Step | None  # None: everything went well so far
    deregister: Mode
    disconnect: Mode
    blow: Blow

    @property
    def in_cleanup(self) -> bool:
        """Whether the blow falls when nothing but the goodbye is left."""
        return self.role is Role.WORKER and self.during is None

    @property
    def scenario(self) -> Scenario:
        """What would happen without the interruption."""
        fault = self.during and Fault(self.during, Mode.HANGS)
        return Scenario(self.role, 0, fault, self.deregister, self.disconnect, Names.DEFAULT, Door.RUNNER)

    def __str__(self) -> str:
        cleanup = f"deregister_{self.deregister}-disconnect_{self.disconnect}"
        return f"{self.role}-{self.during or 'at_work'}-{cleanup}-{self.blow}"


HANGING = (
    Step.CONNECT,
    Step.REGISTER,
    Step.SERVER,
    *sorted(OF_WORKERS - {Step.ORDERING, Step.EMPTY_DISCOVERY}),
)

INTERRUPTION = (
    Matrix(
        Interruption,
        {"role": Role, "during": (None, *HANGING), "deregister": Mode, "disconnect": Mode, "blow": Blow},
    )
    .except_(
        "a parameter server looks for no other, waits at no barrier and does not train",
        lambda i: i.role is Role.PS and i.during in OF_WORKERS,
    )
    .except_(
        "a worker listens nowhere",
        lambda i: i.role is Role.WORKER and i.during is Step.SERVER,
    )
    .except_(
        "with nothing that hangs a worker is done at once",
        lambda i: i.role is Role.WORKER and not i.during and Mode.HANGS not in (i.deregister, i.disconnect),
    )
    .except_(
        "a worker that trains is asked by its stop, and ends when it has saved",
        lambda i: i.during is Step.TRAINING and i.blow in {Blow.STOPPED, Blow.STOPPED_AGAIN},
    )
    .except_(
        "before the connection stands nothing is deregistered, so how that would have gone does not matter",
        lambda i: i.during is Step.CONNECT and i.deregister is not Mode.OK,
    )
)
