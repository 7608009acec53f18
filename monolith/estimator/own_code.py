"""What goes wrong in the code of a model is told as the model's: the command that ran it is not to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monolith.core.errors import ModelError, MonolithError

if TYPE_CHECKING:
    from monolith.estimator.model import Features


@contextmanager
def blamed(model: str, where: str, given: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Let what is raised here be told as the model's; `given` says what it was given, where that helps.

    Raises:
        ModelError: what was raised was no sentence of ours.
    """
    try:
        yield
    except MonolithError:
        raise
    except Exception as exc:
        said = f"model {model} fails {where}: {type(exc).__name__}: {exc}{given()}"
        raise ModelError(said, model=model) from exc


def shapes_of(features: Features) -> str:
    """What a module is given, by name: most of what fails there is of another shape than was thought."""
    tensors = {**features.embeddings, **features.dense}
    return f" (given: {', '.join(f'{name} {list(one.shape)}' for name, one in tensors.items()) or 'nothing'})"
