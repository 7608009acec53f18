"""What one should read and count, derived from the written rules alone: the runner is never asked.

Of the package only the roles' names come in, with the axes. The numbers of a scenario stand here a second
time on purpose: two derivations that share a constant would share its mistake.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.matrix.axes import Door, Mode, Scenario, Step

OPERATION_MS, CLEANUP_MS, BARRIER_MS, BACKOFF_MS = 5_000, 200, 10_000, 500
ATTEMPTS = 1 + 2  # the first look, and the retries
PS_LIVES_MS = 1_000  # from being ready until its stop is asked
WAIT_MS = {Mode.FAILS: 0, Mode.HANGS: OPERATION_MS}
NUM_PS, FIRST_PS, LISTEN_AT = 2, "10.0.0.1:1000", "127.0.0.1:0"
REFUSED = "distributed config requires dim > 0 (dim=0, from code)"
REFUSED_BY_THE_CLI = "--dim must be > 0 in distributed mode (dim=0, from --dim)"


class Expectation(NamedTuple):
    """How a scenario ends, when on the virtual clock, and after which calls of the backend but heartbeats."""

    text: str | None  # None: all goes well
    note: str | None  # what cleanup adds to an error that is not ours; other notes are not foretold
    elapsed_ms: int
    calls: tuple[str, ...]


class Course(NamedTuple):
    """What comes before the cleanup."""

    error: str | None
    elapsed_ms: int
    calls: str
    cleanup: str = "deregister disconnect"  # both are tried, whether or not registering began
    foreign: bool = False  # keeps its text


class Look(NamedTuple):
    """One answer to the question where the servers are; none of these is enough."""

    elapsed_ms: int = 0
    found: int = 0
    issue: str | None = None
    error: str | None = None


def expected(s: Scenario) -> Expectation:
    course = _until_cleanup(s)
    cleanup = course.cleanup.split()
    items = [f"{_descriptor(s, name)}: {_trouble(s, name)}" for name in cleanup if _mode(s, name) != Mode.OK]
    told = f"(discovery cleanup encountered issues after role error: {'; '.join(items)})" if items else None
    text = " ".join(filter(None, (course.error, told))) if course.error else _after_success(s)
    ends = (course.error, told) if course.foreign else (text, None)
    waited_ms = CLEANUP_MS * [_mode(s, name) for name in cleanup].count(Mode.HANGS)
    return Expectation(*ends, course.elapsed_ms + waited_ms, (*course.calls.split(), *cleanup))


def said_by_the_cli(s: Scenario) -> str | None:
    """The same text; a note stands on a line of its own."""
    ends = expected(s)
    return ends.text if ends.note is None else f"{ends.text}\n  {ends.note}"


def _after_success(s: Scenario) -> str | None:
    """The deregistration leads; descriptors lead only when both fail."""
    after = "discovery cleanup encountered issues after successful role completion"
    deregister, disconnect = _descriptor(s, "deregister"), _descriptor(s, "disconnect")
    r, d = _trouble(s, "deregister"), _trouble(s, "disconnect")
    match s.deregister, s.disconnect:
        case Mode.OK, Mode.OK:
            return None
        case _, Mode.OK:
            return f"{r} ({after}: {deregister}: {r})"
        case Mode.OK, _:
            return f"{d} ({after}: {disconnect}: {d})"
    return f"{deregister}: {r} ({after}: {disconnect}: {d})"


def _until_cleanup(s: Scenario) -> Course:
    """Both roles: settings are judged, then the backend is connected, then the role is played."""
    match s.fault:
        case (Step.VALIDATE, _):
            return Course(REFUSED_BY_THE_CLI if s.door == Door.CLI else REFUSED, 0, "", cleanup="")
        case (Step.CONNECT, mode):
            return Course(_trouble(s, "connect"), WAIT_MS[mode], "connect", cleanup="disconnect")
        case (Step.REGISTER, mode):
            return Course(_trouble(s, "register"), WAIT_MS[mode], "connect register")
    return _serves(s) if s.role == "ps" else _works(s)


def _serves(s: Scenario) -> Course:
    """A parameter server listens before it registers, and serves until it is asked to stop."""
    start = f"start ps-{s.index} at {LISTEN_AT} after {OPERATION_MS}ms"
    hang = f"Timed out during server operation: {start}"
    return {
        None: Course(None, PS_LIVES_MS, "connect register"),
        (Step.SERVER, Mode.FAILS): Course("forced server failure", 0, "connect"),
        (Step.SERVER, Mode.HANGS): Course(hang, OPERATION_MS, "connect"),
    }[s.fault]


def _works(s: Scenario) -> Course:
    """A worker finds its servers, connects to them, meets the other workers and trains."""
    lost, found = f"Connection failed to {FIRST_PS}", "connect register discover"
    hang = f"{lost}: no answer within {OPERATION_MS}ms"
    return {
        None: Course(None, 0, found),
        (Step.PS_CONNECT, Mode.FAILS): Course(f"{lost}: forced ps_connect failure", 0, found),
        (Step.PS_CONNECT, Mode.HANGS): Course(hang, OPERATION_MS, found),
        (Step.BARRIER, Mode.FAILS): Course("Barrier RPC error: forced barrier failure", 0, found),
        (Step.BARRIER, Mode.HANGS): Course("Barrier timeout", BARRIER_MS, found),
        (Step.TRAINING, Mode.FAILS): Course("forced training failure", 0, found, foreign=True),
    }.get(s.fault) or _finds_no_servers(s)


def _finds_no_servers(s: Scenario) -> Course:
    """An ordering issue stays until servers are in order; an error until the next answer."""
    looks = _looks(s)
    issue = "".join([f"; last ordering issue: {look.issue}" for look in looks if look.issue][-1:])
    error = f"; last discovery error: {looks[-1].error}" if looks[-1].error else ""
    text = (
        f"Timed out waiting for PS discovery for worker-{s.index} (service type: {_service_type(s, 'ps')}): "
        f"got 0 expected {NUM_PS} (attempts: {ATTEMPTS}; max raw observed: {max(n.found for n in looks)}; "
        f"max usable observed: 0{issue}{error})"
    )
    elapsed_ms = sum(look.elapsed_ms for look in looks) + BACKOFF_MS * (ATTEMPTS - 1)
    return Course(text, elapsed_ms, "connect register" + " discover" * ATTEMPTS)


def _looks(s: Scenario) -> list[Look]:
    assert s.fault is not None
    nobody, disorder = Look(), Look(found=2, issue="MixedIndexMetadataPresence")
    trouble = Look(WAIT_MS[s.fault.mode], error=_trouble(s, "discover"))
    return {
        Step.DISCOVER: [trouble] * ATTEMPTS,
        Step.ORDERING: [disorder] * ATTEMPTS,
        Step.ORDERING_THEN_DISCOVER: [disorder] + [trouble] * (ATTEMPTS - 1),
        Step.DISCOVER_THEN_ORDERING: [trouble] + [disorder] * (ATTEMPTS - 1),
        Step.EMPTY_DISCOVERY: [nobody] * ATTEMPTS,
    }[s.fault.step]


def _trouble(s: Scenario, operation: str) -> str:
    """A failure is told in the backend's own words; a hang in ours."""
    cleanup = operation in {"deregister", "disconnect"}
    kind, ms = ("cleanup", CLEANUP_MS) if cleanup else ("operation", OPERATION_MS)
    if _mode(s, operation) == Mode.FAILS:
        return f"Internal error: forced {operation} failure"
    return f"Timed out during discovery {kind}: {_descriptor(s, operation)} after {ms}ms"


def _mode(s: Scenario, operation: str) -> Mode:
    of_role = s.fault.mode if s.fault else Mode.OK
    return {"deregister": s.deregister, "disconnect": s.disconnect}.get(operation, of_role)


def _descriptor(s: Scenario, operation: str) -> str:
    """Whoever looks for servers names their type; in all else a role names its own."""
    word = {"register": "as", "discover": "for", "deregister": "from"}.get(operation, "via")
    of = "ps" if operation == "discover" else s.role
    return f"{operation} {s.role}-{s.index} {word} {_service_type(s, of)}"


def _service_type(s: Scenario, role: str) -> str:
    return role if s.names == "default" else f"custom_{role}"
