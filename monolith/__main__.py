"""The `monolith` command."""

import os
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
    from monolith.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
