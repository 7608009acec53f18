"""The `monolith` command."""

import atexit
import contextlib
import os
import signal
import sys

# Read by libraries as they are loaded, in this process and in those it starts.
LIBRARIES = {
    # grpc's own lines on standard error would stand before our one sentence.
    "GRPC_VERBOSITY": "NONE",
    # PyTorch's threads spin while they wait for each other: by default so long that two cores which others
    # use too train 9,000 examples/s instead of 65,000. So many turns bridge the gap between two operations:
    # 1.09 x the speed of a fifth as many where the cores are free, 0.88 x where one other process is busy.
    "GOMP_SPINCOUNT": "5000",
}


def main() -> int:
    """Run the command line; return its exit code."""
    _open_standard_streams()
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _unbegun)
    status: list[int] = []
    atexit.register(_leave, status)  # before any other, so that it runs after all others
    from monolith.cli.main import main as run

    status.append(run(begun=lambda: signal.signal(signal.SIGINT, before)))
    return status[0]


def _open_standard_streams() -> None:
    """Open those that we were started without: a socket would get their number, and hear what we say."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))  # the lowest that is free


def _leave(status: list[int]) -> None:
    """End here if all is done.

    Else the interpreter takes PyTorch and compiled kernels apart: two seconds in which SIGTERM does nothing.
    """
    if status:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # nobody reads it: who printed it was told
                stream.flush()
        os._exit(status[0])


def _unbegun(_signal: int, _frame: object) -> None:
    """End here, on Ctrl-C while modules are loaded: there is nothing to undo, and no traceback to show."""
    os.write(2, b"monolith: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
