"""Another host: a network namespace with one cable to this one, on which packets can be dropped."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from contextlib import ExitStack
from typing import Literal

INSTALL = "it takes root and kernel support for namespaces; apt-get install iproute2 nftables"
HERE, THERE = "10.213.77.1", "10.213.77.2"
_NUMBERS = itertools.count()

Direction = Literal["input", "output"]  # as the far host sees it


class FarHost:
    """Made on entering, gone on leaving."""

    def __init__(self) -> None:
        self.name = f"far-{os.getpid()}-{next(_NUMBERS)}"
        self._undo = ExitStack()

    def __enter__(self) -> FarHost:
        with ExitStack() as undo:  # what was made before something failed goes
            _ip("netns", "add", self.name)
            undo.callback(_ip, "netns", "delete", self.name)
            cable = self.name.replace("far", "to")
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            undo.callback(_ip, "link", "delete", cable)  # by itself it would go later than its namespace
            _ip("addr", "add", f"{HERE}/30", "dev", cable)
            _ip("link", "set", cable, "up")
            _ip("-n", self.name, "addr", "add", f"{THERE}/30", "dev", "eth0")
            _ip("-n", self.name, "link", "set", "eth0", "up")
            self._nft("add table inet cut")
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @property
    def exec(self) -> tuple[str, ...]:
        """What to put before a command that is to run there."""
        return ("ip", "netns", "exec", self.name)

    def cut(self, direction: Direction) -> None:
        """Drop all that goes that way, without a word to anyone."""
        self._nft(
            f"add chain inet cut {direction} {{ type filter hook {direction} priority 0; policy drop; }}"
        )

    def mend(self) -> None:
        self._nft("flush ruleset; add table inet cut")

    def _nft(self, rules: str) -> None:
        subprocess.run([*self.exec, "nft", rules], check=True, capture_output=True)


def missing() -> str:
    """What has to be there; empty if it is."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("nft")):
        return INSTALL
    try:
        with FarHost():
            return ""
    except subprocess.CalledProcessError:  # a sandbox that does not allow it
        return INSTALL


def _ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, capture_output=True)
