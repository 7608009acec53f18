"""Who is asked for predictions before training learns."""

import pytest

from monolith.config.building import checked
from monolith.config.progressive import ProgressiveConfig
from monolith.core.errors import ConfigError


def told(*targets: str) -> list[tuple[str, str]]:
    config = checked(ProgressiveConfig(progressive_targets=targets))
    return [(target.name, str(target.address)) for target in config.progressive_replicas]


def test_a_target_is_called_by_its_name_or_address() -> None:
    assert told("never=10.0.0.7:8500", "[::1]:1") == [("never", "10.0.0.7:8500"), ("[::1]:1", "[::1]:1")]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["here"], "address 'here' has no port"),
        (["=h:1"], "'=h:1' needs a name"),
        (["a/b=h:1"], "needs a name without /"),
        (["a=h:1", "a=h:2"], "the name 'a' is taken"),
        (["trainer=h:1"], "the name 'trainer' is taken"),
    ],
)
def test_what_cannot_be_is_named(targets: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        told(*targets)
