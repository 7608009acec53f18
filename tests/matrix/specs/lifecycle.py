"""What can go wrong between the first setting and the last goodbye."""

from monolith.core.names import Role
from tests.matrix.axes import Door, Fault, Mode, Names, Scenario, Step
from tests.matrix.product import Matrix

INSTANT = {Step.VALIDATE, Step.ORDERING, Step.EMPTY_DISCOVERY}  # an answer that is wrong, not late
OF_WORKERS = {
    Step.DISCOVER,
    Step.ORDERING,
    Step.ORDERING_THEN_DISCOVER,
    Step.DISCOVER_THEN_ORDERING,
    Step.EMPTY_DISCOVERY,
    Step.PS_CONNECT,
    Step.BARRIER,
    Step.TRAINING,
}

LIFECYCLE = (
    Matrix(
        Scenario,
        {
            "role": Role,
            "index": (0, 1, 3),
            "fault": (None, *(Fault(s, m) for s in Step for m in (Mode.FAILS, Mode.HANGS))),
            "deregister": Mode,
            "disconnect": Mode,
            "names": Names,
            "door": Door,
        },
    )
    .except_(
        "a parameter server looks for no other, waits at no barrier and does not train",
        lambda s: s.role is Role.PS and s.fault is not None and s.fault.step in OF_WORKERS,
    )
    .except_(
        "a worker listens nowhere",
        lambda s: s.role is Role.WORKER and s.fault is not None and s.fault.step is Step.SERVER,
    )
    .except_(
        "settings, and services that were found, are judged in no time",
        lambda s: s.fault is not None and s.fault.step in INSTANT and s.fault.mode is Mode.HANGS,
    )
    .except_(
        "a role trains for as long as it likes: only its steps have a budget",
        lambda s: s.fault == Fault(Step.TRAINING, Mode.HANGS),
    )
    .except_(
        "before the connection stands nothing is deregistered, so how that would have gone does not matter",
        lambda s: (
            s.fault is not None
            and s.fault.step in {Step.VALIDATE, Step.CONNECT}
            and s.deregister is not Mode.OK
        ),
    )
    .except_(
        "before the first step nothing is disconnected",
        lambda s: s.fault is not None and s.fault.step is Step.VALIDATE and s.disconnect is not Mode.OK,
    )
)
