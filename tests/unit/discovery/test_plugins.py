"""Backends that are not ours."""

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from monolith.config.places import Places
from monolith.core.errors import ConfigError
from monolith.discovery.choose import BACKENDS, GROUP, choose
from monolith.discovery.memory import InMemory

MODULE = "strangers_backends"


@pytest.fixture
def plugins(monkeypatch):
    """A stranger's package, and what it offers."""
    module = types.ModuleType(MODULE)

    def etcd(places, environ):
        return "etcd at", environ["ETCD"], places.kind

    def fails(places, environ):
        raise RuntimeError("no etcd here")

    def refuses(places, environ):
        raise ConfigError(["ETCD must be given"])

    for make in (etcd, fails, refuses):
        setattr(module, make.__name__, make)
    monkeypatch.setitem(sys.modules, MODULE, module)
    offered = {"etcd": "etcd", "fails": "fails", "refuses": "refuses", "missing": "missing"}
    return [EntryPoint(name, f"{MODULE}:{what}", GROUP) for name, what in offered.items()]


def test_a_strangers_backend_is_made(plugins):
    assert choose(Places(discovery="etcd"), {"ETCD": "h:1"}, plugins=plugins) == ("etcd at", "h:1", "etcd")


def test_our_names_stay_ours(plugins):
    impostor = EntryPoint("in-memory", f"{MODULE}:fails", GROUP)
    assert type(choose(Places(discovery="in-memory"), {}, plugins=[impostor])) is InMemory


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("fails", f"discovery='fails': {MODULE}:fails, which offers it, cannot be used: no etcd here"),
        ("refuses", "ETCD must be given"),
        (
            "missing",
            f"discovery='missing': {MODULE}:missing, which offers it, cannot be used: "
            f"module '{MODULE}' has no attribute 'missing'",
        ),
        (
            "redis",
            f"discovery='redis': must be one of: {', '.join(BACKENDS)}, etcd, fails, missing, refuses",
        ),
    ],
)
def test_what_cannot_be_used_is_told(plugins, kind, said):
    with pytest.raises(ConfigError) as caught:
        choose(Places(discovery=kind), {}, plugins=plugins)
    assert str(caught.value) == said


def test_who_is_installed_is_asked(monkeypatch, plugins):
    monkeypatch.setattr(
        "monolith.discovery.choose.entry_points", lambda group: plugins if group == GROUP else []
    )
    assert choose(Places(discovery="etcd"), {"ETCD": "h:2"})[1] == "h:2"
