"""The dense part's numbers: between a module, the parameter servers and a checkpoint.

Every worker trains its own copy. What changed since it last heard from the servers is added there to what
the other workers added, and the sum comes back; with one worker that changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from monolith.core.errors import CheckpointMismatch

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient

Tensors = Mapping[str, NDArray[Any]]

_MODULE = "module/"
_OPTIMIZER = "optimizer/"


class DenseParameters:
    """The floating-point state of a module, shared through the parameter servers.

    State of another type (a counter, say) is not shared: a checkpoint has the chief's.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        state = {name: tensor.detach() for name, tensor in module.state_dict().items()}
        self._shared = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
        self._heard: dict[str, NDArray[np.float32]] = {}

    def join(self, client: BlockingClient) -> None:
        """Offer these values, and take what is there: the first offer wins."""
        if self._shared:
            self._take(client.set_dense(self._values(), overwrite=False))

    def replace(self, client: BlockingClient) -> None:
        """Put these values in the place of whatever is there."""
        if self._shared:
            self._take(client.set_dense(self._values(), overwrite=True))

    def sync(self, client: BlockingClient) -> None:
        """Add what changed here to what is there, and take the sum."""
        if self._shared:
            changes = {name: value - self._heard[name] for name, value in self._values().items()}
            self._take(client.push_dense(changes))

    def _values(self) -> dict[str, NDArray[np.float32]]:
        return {name: tensor.to(torch.float32).numpy() for name, tensor in self._shared.items()}

    def _take(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        for name, tensor in self._shared.items():
            tensor.copy_(torch.from_numpy(np.array(values[name])))
        self._heard = {name: np.array(values[name]) for name in self._shared}


def module_tensors(module: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """A module's parameters and buffers as a checkpoint holds them."""
    return {_MODULE + name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}


def load_module(module: torch.nn.Module, tensors: Tensors, *, path: str = "") -> None:
    """Give `module` what `module_tensors` gave.

    Raises:
        CheckpointMismatch: names or shapes are not this module's.
    """
    held = {n.removeprefix(_MODULE): t for n, t in tensors.items() if n.startswith(_MODULE)}
    wanted = module.state_dict()
    for name in sorted(held.keys() | wanted.keys()):
        there, here = _shape(held.get(name)), _shape(wanted.get(name))
        if there != here:
            raise CheckpointMismatch(
                f"dense parameter {name!r} is {there} in the checkpoint and {here} in this model: "
                "give the model it was trained with, or another model directory",
                path=path,
            )
    module.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in held.items()})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, NDArray[Any]]:
    """An optimizer's state as a checkpoint holds it: tensors, and one text for all that is not a tensor."""
    state = optimizer.state_dict()
    tensors, rest = {}, {}
    for index, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{_OPTIMIZER}{index}/{key}"] = value.detach().numpy()
            else:
                rest[f"{index}/{key}"] = value
    text = json.dumps({"groups": state["param_groups"], "rest": rest}, sort_keys=True)
    return {**tensors, _OPTIMIZER + "json": np.frombuffer(text.encode(), np.uint8)}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Give `optimizer` what `optimizer_tensors` gave; that the model is the same was told before."""
    held = {n.removeprefix(_OPTIMIZER): t for n, t in tensors.items() if n.startswith(_OPTIMIZER)}
    text = json.loads(bytes(held.pop("json")))
    values = {name: torch.from_numpy(np.array(tensor)) for name, tensor in held.items()} | text["rest"]
    state: dict[int, dict[str, Any]] = {}
    for name, value in values.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": text["groups"]})


def _shape(tensor: Any) -> str:
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "a scalar"
