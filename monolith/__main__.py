"""The `monolith` command."""

import sys


def main() -> int:
    """Run the command line; return its exit code."""
    from monolith.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
