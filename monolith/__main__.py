"""The `monolith` command."""

import os
import signal
import sys

# Read by libraries as they are loaded, in this process and in those it starts.
LIBRARIES = {
    # grpc's own lines on standard error would stand before our one sentence.
    "GRPC_VERBOSITY": "NONE",
    # PyTorch's threads spin while they wait for each other. Where others share the cores that costs up to six
    # times the speed: on two busy cores 9,000 to 65,000 examples/s, with this 57,000 to 69,000.
    "GOMP_SPINCOUNT": "1000",
}


def main() -> int:
    """Run the command line; return its exit code."""
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _unbegun)
    from monolith.cli.main import main as run

    return run(begun=lambda: signal.signal(signal.SIGINT, before))


def _unbegun(_signal: int, _frame: object) -> None:
    """End here, on Ctrl-C while modules are loaded: there is nothing to undo, and no traceback to show."""
    os.write(2, b"monolith: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
