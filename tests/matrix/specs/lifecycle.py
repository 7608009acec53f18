"""What can go wrong between connect and disconnect."""

from monolith.core.names import Role
from tests.matrix.axes import Fault, Mode, Names, Scenario, Step
from tests.matrix.product import Matrix

LIFECYCLE = (
    Matrix(
        Scenario,
        {
            "role": Role,
            "index": (0, 3),
            "fault": (None, *(Fault(s, m) for s in Step for m in (Mode.FAILS, Mode.HANGS))),
            "deregister": Mode,
            "disconnect": Mode,
            "names": Names,
        },
    )
    .except_(
        "a role plays for as long as it likes: only its steps have a budget",
        lambda s: s.fault == Fault(Step.PLAY, Mode.HANGS),
    )
    .except_(
        "what was never tried is not undone, so how it would have gone does not matter",
        lambda s: s.fault is not None and s.fault.step is Step.CONNECT and s.deregister is not Mode.OK,
    )
)
