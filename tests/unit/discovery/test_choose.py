"""From a setting to a backend."""

import pytest

from monolith.core.errors import ConfigError
from monolith.discovery.choose import choose
from monolith.discovery.host_files import HostFiles
from monolith.discovery.memory import InMemory


@pytest.mark.parametrize(("kind", "backend"), [("host-files", HostFiles), ("in-memory", InMemory)])
def test_every_name_gives_a_backend(kind, backend, tmp_path):
    assert type(choose(kind, tmp_path)) is backend


@pytest.mark.parametrize(
    ("kind", "said"),
    [("consul", "must be one of: host-files, in-memory"), ("host-files", "--discovery-path")],
)
def test_what_cannot_be_is_told(kind, said):
    with pytest.raises(ConfigError, match=f"discovery='{kind}'.*{said}"):
        choose(kind, None)
