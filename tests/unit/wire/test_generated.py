"""The generated modules are what the .proto files make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "protos" / "generate.py"


def test_generated_code_is_current() -> None:
    pytest.importorskip("grpc_tools")
    told = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
