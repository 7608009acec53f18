"""Finding each other through the environment that the MLP platform gives to each process.

`MLP_PS_NUM` counts the parameter servers, `MLP_PS_0_PRIMARY_HOST` and `MLP_PS_0_PORT` say where the first one
listens, and likewise for every other role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from monolith.core.address import Address
from monolith.core.errors import DiscoveryMisconfigured
from monolith.discovery.named import Roles, address_of, quoted

NO_PORT = 0  # of a worker, which listens nowhere
LISTED = ("ps", "worker", "chief")  # the roles of a training job
HERE = frozenset({"local", "localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104  # compared, not listened on


class Mlp:
    """What the environment says, less those who have been deregistered here.

    Registering checks that what a process says of itself is what the platform says of it. Once closed, nobody
    is there.
    """

    kind: ClassVar[str] = "mlp"

    def __init__(self, environ: Mapping[str, str], roles: Roles | None = None) -> None:
        self._environ = environ
        self._roles = roles or {}
        self._gone: set[tuple[str, int]] = set()
        self._closed = False

    @property
    def server_type(self) -> str | None:
        """The role of this process."""
        return None if self._closed else self._said("MLP_ROLE").lower() or None

    @property
    def index(self) -> int:
        """The index of this process in its role."""
        return self._number("MLP_ROLE_INDEX")

    @property
    def addr(self) -> str | None:
        """The address of this process."""
        role = self.server_type
        return self._address(role, self.index) if role else None

    def query(self, name: str) -> dict[int, str]:
        if self._closed:
            return {}
        if not name.strip():
            raise DiscoveryMisconfigured("name must be non-empty")
        role = self._role(name)
        there = {i: self._address(role, i) for i in range(self.count(role)) if (role, i) not in self._gone}
        return {index: addr for index, addr in there.items() if addr}

    def query_all(self) -> dict[str, dict[int, str]]:
        """Role → index → addr, for those roles of a training job that the platform runs."""
        return {role: self.query(role) for role in LISTED if self.count(role)}

    def register(self, name: str, index: int, addr: str) -> None:
        if not self._closed:
            self._judge(name, index, addr)
            self._gone.discard((self._role(name), index))

    def deregister(self, name: str, index: int, addr: str) -> None:
        if not self._closed:
            self._judge(name, index, addr)
            self._gone.add((self._role(name), index))

    def deregister_all(self) -> None:
        """Nobody is there any more, whatever the role."""
        counts = [name for name in self._environ if name.startswith("MLP_") and name.endswith("_NUM")]
        roles = [name.removeprefix("MLP_").removesuffix("_NUM").lower() for name in counts]
        self._gone |= {(role, index) for role in roles for index in range(self.count(role))}

    def close(self) -> None:
        self._closed = True

    def _judge(self, name: str, index: int, addr: str) -> None:
        role = self._role(name)
        replicas = self.count(role)
        if not replicas:
            raise DiscoveryMisconfigured(f"Unknown MLP role {quoted(name)}")
        if index < 0:
            raise DiscoveryMisconfigured(f"index must be >= 0, got {index}")
        if index >= replicas:
            raise DiscoveryMisconfigured(
                f"index {index} out of bounds for role {quoted(name)} (num_replicas={replicas})"
            )
        self._judge_address(role, index, address_of(addr), f"{quoted(name)}.{index}")

    def _judge_address(self, role: str, index: int, told: Address, who: str) -> None:
        if told.host not in HERE | self._hosts(role, index) | self._own_hosts():
            raise DiscoveryMisconfigured(f"Host mismatch for {who}: got {quoted(told.host)}")
        expected = self._port(role, index)
        if expected is None and told.port != NO_PORT:
            raise DiscoveryMisconfigured("Missing MLP_*_PORT env")
        if told.port != expected and told.port != NO_PORT:
            raise DiscoveryMisconfigured(f"Port mismatch for {who}: expected {expected}, got {told.port}")

    def _own_hosts(self) -> set[str]:
        role = self.server_type
        hosts = self._hosts(role, self.index) if role else set()
        return hosts | {self._said("MLP_HOST")}

    def _hosts(self, role: str, index: int) -> set[str]:
        return {self._of(role, index, "PRIMARY_HOST"), self._of(role, index, "HOST")}

    def _address(self, role: str, index: int) -> str | None:
        host, port = self._of(role, index, "PRIMARY_HOST"), self._port(role, index)
        return str(Address(host, port)) if host and port is not None else None

    def _port(self, role: str, index: int) -> int | None:
        variable = _variable(role, index, "PORT")
        return self._number(variable) if self._said(variable) else None

    def count(self, role: str) -> int:
        """How many play `role`, whether they are there or not."""
        return self._number(f"MLP_{role.upper()}_NUM")

    def _role(self, name: str) -> str:
        return self._roles.get(name, name).lower()

    def _of(self, role: str, index: int, what: str) -> str:
        return self._said(_variable(role, index, what))

    def _number(self, variable: str) -> int:
        text = self._said(variable) or "0"
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise DiscoveryMisconfigured(f"{variable}={quoted(text)} must be a number from 0")
        return int(text)

    def _said(self, variable: str) -> str:
        return self._environ.get(variable, "").strip()


def _variable(role: str, index: int, what: str) -> str:
    return f"MLP_{role.upper()}_{index}_{what}"
