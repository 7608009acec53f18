"""The dense part's numbers: between a module, the parameter servers and a checkpoint.

Every worker trains its own copy. What changed since it last heard from the servers is added there to what
the other workers added, and the sum comes back; with one worker that changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from monolith.core.errors import CheckpointMismatch

if TYPE_CHECKING:
    from monolith.ps.blocking import BlockingClient

Tensors = Mapping[str, NDArray[Any]]


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
            tensor.copy_(_tensor(values[name]))
        self._heard = {name: np.array(values[name]) for name in self._shared}


def module_tensors(module: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """A module's parameters and buffers as a checkpoint holds them."""
    return {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}


def load_module(module: torch.nn.Module, tensors: Tensors) -> None:
    """Give `module` what `module_tensors` gave.

    Raises:
        CheckpointMismatch: names or shapes are not this module's.
    """
    wanted = module.state_dict()
    for name in sorted(tensors.keys() | wanted.keys()):
        there, here = _shape(tensors.get(name)), _shape(wanted.get(name))
        if there != here:
            raise CheckpointMismatch(
                f"dense parameter {name!r} is {there} in the checkpoint and {here} in this model: "
                "give the model it was trained with, or another model directory"
            )
    module.load_state_dict({name: _tensor(array) for name, array in tensors.items()})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, NDArray[Any]]:
    """An optimizer's state as a checkpoint holds it; `param_groups` has its settings."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{index}/{key}": torch.as_tensor(value).detach().numpy()
        for index, values in state.items()
        for key, value in values.items()
        if value is not None
    }


def param_groups(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """An optimizer's settings, as JSON can hold them."""
    groups: list[dict[str, Any]] = optimizer.state_dict()["param_groups"]
    return groups


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Give `optimizer` what `optimizer_tensors` gave; its settings stay what they are now."""
    state: dict[int, dict[str, Any]] = {}
    for name, array in tensors.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = _tensor(array)
    optimizer.load_state_dict({"state": state, "param_groups": param_groups(optimizer)})


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


def _shape(tensor: Any) -> str:
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "a scalar"
