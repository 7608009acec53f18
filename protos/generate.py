"""Generates monolith/wire from the .proto files beside this script; `--check` only compares.

`monolith/wire/x.proto` becomes `monolith/wire/x_pb2.py`, so imports are absolute without patching.
TensorFlow's messages become one descriptor set instead of modules: see `monolith/wire/tf.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).parent
ROOT = PROTOS.parent
WIRE = Path("monolith/wire")
# Code made by a newer compiler refuses the older protobuf and grpcio that we promise to work with.
COMPILER = "1.76.0"


def generate(into: Path) -> None:
    """Write every generated file below `into`."""
    (into / WIRE).mkdir(parents=True, exist_ok=True)
    _compile(PROTOS / WIRE, f"--python_out={into}", f"--pyi_out={into}")
    descriptors = into / WIRE / "tensorflow.binpb"
    _compile(PROTOS / "tensorflow", f"--descriptor_set_out={descriptors}", "--include_imports")


def drift(fresh: Path) -> list[Path]:
    """Generated files that are missing, altered, or no longer made."""
    made = {path.relative_to(fresh) for path in (fresh / WIRE).iterdir()}
    there = {path.relative_to(ROOT) for path in (ROOT / WIRE).iterdir() if _is_generated(path)}
    return sorted(made ^ there | {path for path in made & there if _differs(fresh / path, ROOT / path)})


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    if (found := version("grpcio-tools")) != COMPILER:
        parser.error(f"needs grpcio-tools {COMPILER}, found {found}: pip install grpcio-tools=={COMPILER}")
    if not parser.parse_args(argv).check:
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        stale = drift(Path(fresh))
    for path in stale:
        print(f"{path} is not what protos/ makes: run python protos/generate.py")
    return 1 if stale else 0


def _compile(folder: Path, *outputs: str) -> None:
    sources = sorted(map(str, folder.glob("*.proto")))
    known = str(files("grpc_tools") / "_proto")
    if sources and protoc.main(["protoc", f"-I{PROTOS}", f"-I{known}", *outputs, *sources]) != 0:
        sys.exit(f"protoc refused a file in {folder}")


def _is_generated(path: Path) -> bool:
    return path.name.endswith(("_pb2.py", "_pb2.pyi", ".binpb"))


def _differs(one: Path, other: Path) -> bool:
    return one.read_bytes() != other.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
