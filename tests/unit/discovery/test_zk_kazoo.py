"""The way to kazoo."""

import asyncio
import logging
import sys

import pytest

from monolith.core.errors import MissingExtra
from monolith.discovery.zookeeper import ZooKeeper


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "kazoo.client", None)
    monkeypatch.delitem(sys.modules, "monolith.discovery.zk_kazoo", raising=False)
    with pytest.raises(MissingExtra, match=r"^ZooKeeper needs an optional library: .*\[zookeeper\]'$"):
        asyncio.run(ZooKeeper("zk:2181").connect())


@pytest.mark.parametrize(
    ("level", "shown"), [(logging.DEBUG, False), (logging.INFO, False), (logging.ERROR, True)]
)
def test_only_what_matters_of_kazoos_log_is_shown(level, shown, caplog):
    from monolith.discovery.zk_kazoo import log

    caplog.set_level(1, log.name)
    log.log(level, "Sending request: Auth(auth='user:password')")
    assert ("user:password" in caplog.text) is shown
