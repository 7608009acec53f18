"""What things are called in a model directory. Pure.

* `checkpoint`: the state file, with the names of the newest and of all, as TensorFlow writes it
* `restore_ckpt`: the name of the checkpoint of another directory that a training here began with
* `monolith_checkpoint`: which of the names are never deleted for being old
* `.lock`: who trains here, if somebody holds it
* `checkpoint-200.json`: a manifest; this checkpoint is complete
* `checkpoint-200/`, or `checkpoint-200.again/` if step 200 was saved over itself: its files
* `checkpoint-300.part-0c1f97ae/`: a save that is going on, or was cut off
* `checkpoint-300/` without a manifest: a save that was cut off at its very end
* `checkpoint-100.json.damaged`: a manifest that was set aside because it or its files are damaged
"""

from __future__ import annotations

import re

STATE = "checkpoint"
LOCK = ".lock"
MARKER = "restore_ckpt"
MONOLITH_STATE = "monolith_checkpoint"
MANIFEST_SUFFIX = ".json"
_ASIDE_SUFFIX = ".damaged"
_STEP = r"(?:0|[1-9][0-9]*)"
_NAME = re.compile(
    rf"checkpoint-(?P<step>{_STEP})(\.again|(?P<part>\.part-[0-9a-f]+)|\.json|\.json\.damaged)?"
    rf"|\.checkpoint-(?P<hidden>{_STEP})\.json\.part"
)


def prefix(step: int) -> str:
    """What all of a checkpoint's names begin with, and how it is called in sentences."""
    return f"checkpoint-{step}"


def manifest_name(step: int) -> str:
    """The file whose being there makes a checkpoint."""
    return prefix(step) + MANIFEST_SUFFIX


def aside_name(step: int) -> str:
    """What the manifest of a damaged checkpoint is called once it is set aside."""
    return manifest_name(step) + _ASIDE_SUFFIX


def dense_name(part: str) -> str:
    """The file of tensors that are not rows."""
    return f"{part}.safetensors"


def folder_names(step: int) -> tuple[str, str]:
    """The two folders that may hold `step`'s files."""
    return prefix(step), prefix(step) + ".again"


def folder_name(step: int, taken: str = "") -> str:
    """A folder for `step`'s files that is not `taken`: a save never touches what a manifest names."""
    first, second = folder_names(step)
    return second if taken == first else first


def part_name(step: int, attempt: str) -> str:
    """The folder where one attempt to save `step` writes; `attempt` is hexadecimal, and no other's."""
    return f"{prefix(step)}.part-{attempt}"


def is_part(name: str) -> bool:
    """Whether an attempt to save writes there, or wrote until it was cut off."""
    found = _NAME.fullmatch(name)
    return bool(found and found["part"])


def step_of(name: str) -> int | None:
    """The step that anything of ours belongs to, or None."""
    found = _NAME.fullmatch(name)
    return int(found["step"] or found["hidden"]) if found else None


def manifest_step(name: str) -> int | None:
    """The step of a manifest's name, or None if it is none."""
    step = step_of(name)
    return step if step is not None and name == manifest_name(step) else None


def aside_step(name: str) -> int | None:
    """The step of the name of a manifest that was set aside, or None if it is none."""
    step = step_of(name)
    return step if step is not None and name == aside_name(step) else None
