"""Finding each other through TF_CONFIG, the list of a job's addresses that Primus gives to each process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from monolith.core.errors import ConfigError, DiscoveryError, DiscoveryMisconfigured
from monolith.core.names import Role
from monolith.discovery.named import Roles, quoted

CHIEF = "chief"
TF_CONFIG = "TF_CONFIG"
FOR_DISCOVERY = "--discovery tf-config"  # what needs it, to who is on a command line


@attrs.frozen
class TfConfig:
    """What TF_CONFIG says. A chief counts as worker 0, and the workers after it.

    Nobody registers: everyone is on the list from the start, and stays.
    """

    cluster: Mapping[str, tuple[str, ...]]  # role → addresses
    task_type: str
    task_index: int
    roles: Roles = attrs.field(factory=dict)

    kind: ClassVar[str] = "tf_config"

    @classmethod
    def from_json(cls, text: str, roles: Roles | None = None) -> TfConfig:
        """`text` as a value; keys that it has beside `cluster` and `task` are nobody's business.

        Raises:
            DiscoveryMisconfigured: it is no JSON, or has not the shape.
        """
        try:
            said = json.loads(text)
            cluster, task = _get(said, "cluster", dict), _get(said, "task", dict)
            lists = {role: _addresses(role, _get(cluster, role, list)) for role in cluster}
            return cls(lists, _get(task, "type", str), _index(task), roles or {})
        except ValueError as exc:
            raise DiscoveryMisconfigured(f"Invalid TF_CONFIG JSON: {exc}") from exc

    @property
    def server_type(self) -> str:
        """The role of this process."""
        return Role.WORKER if self.task_type == CHIEF else self.task_type

    @property
    def index(self) -> int:
        """The index of this process in its role."""
        follows_chief = self.task_type == Role.WORKER and CHIEF in self.cluster
        return self.task_index + 1 if follows_chief else self.task_index

    @property
    def addr(self) -> str:
        """The address of this process."""
        kind, index = quoted(self.task_type), self.task_index
        if self.task_type not in self.cluster:
            raise DiscoveryMisconfigured(f"TF_CONFIG cluster missing task type {kind}")
        addresses = self.cluster[self.task_type]
        if index >= len(addresses):
            raise DiscoveryMisconfigured(f"TF_CONFIG cluster missing index {index} for type {kind}")
        return addresses[index]

    def query(self, name: str) -> dict[int, str]:
        role = self.roles.get(name, name)
        if role not in list(Role):
            raise DiscoveryMisconfigured(f"name must be ps/worker, got {quoted(name)}")
        if role not in self.cluster:
            raise DiscoveryMisconfigured(f"TF_CONFIG missing {role}")
        before = self.cluster.get(CHIEF, ()) if role == Role.WORKER else ()
        return dict(enumerate(before + self.cluster[role]))

    def count(self, role: Role) -> int:
        """How many play `role`, the chief included."""
        roles = (CHIEF, role) if role == Role.WORKER else (role,)
        return sum(len(self.cluster.get(one, ())) for one in roles)

    def register(self, name: str, index: int, addr: str) -> None:
        """Nothing: see above."""

    def deregister(self, name: str, index: int, addr: str) -> None:
        """Nothing: see above."""

    def close(self) -> None:
        """Nothing is held."""


def read_tf_config(environ: Mapping[str, str], needed_for: str, roles: Roles | None = None) -> TfConfig:
    """What `environ` has as TF_CONFIG, understood.

    Raises:
        ConfigError: nothing, though `needed_for` needs it, or nothing that can be understood.
    """
    text = tf_config_of(environ, needed_for)
    try:
        return TfConfig.from_json(text, roles)
    except DiscoveryError as exc:
        raise ConfigError([f"Failed to parse TF_CONFIG: {exc}"]) from exc


def tf_config_of(environ: Mapping[str, str], needed_for: str) -> str:
    """What `environ` has as TF_CONFIG.

    Raises:
        ConfigError: nothing, though `needed_for` needs it.
    """
    text = environ.get(TF_CONFIG, "")
    if not text.strip():
        raise ConfigError([f"TF_CONFIG is required for {needed_for}"])
    return text


def _get(there: object, key: str, kind: type) -> Any:
    if not isinstance(there, dict) or key not in there:
        raise ValueError(f"missing field `{key}`")
    if type(value := there[key]) is not kind:
        raise ValueError(f"`{key}` must be {_CALLED[kind]}, got {json.dumps(value)}")
    return value


def _index(task: Mapping[str, object]) -> int:
    index: int = _get(task, "index", int)
    if index < 0:
        raise ValueError(f"`index` must be >= 0, got {index}")
    return index


def _addresses(role: str, said: list[object]) -> tuple[str, ...]:
    if not all(isinstance(address, str) for address in said):
        raise ValueError(f"`{role}` must list addresses as text, got {json.dumps(said)}")
    return tuple(map(str, said))


_CALLED = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
