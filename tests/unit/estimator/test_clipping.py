"""The norm of all gradients together, and what it limits."""

import pytest
import torch

from monolith.core.errors import ConfigError
from monolith.estimator.clipping import clip_by_global_norm, global_norm
from tests.upstream import by_name, vectors


def tensors(values):
    return [torch.tensor([float(value) for value in row]) for row in values]


@pytest.mark.parametrize(
    "vector",
    vectors(
        "clip", "global_norm_uneven_shapes", "global_norm_below_limit_unchanged", "global_norm_zero_norm"
    ),
)
def test_clipped_as_upstream(vector):
    given, before = tensors(vector["given"]["tensors"]), tensors(vector["given"]["tensors"])
    clipped = clip_by_global_norm(given, vector["given"]["clip_norm"])
    torch.testing.assert_close(clipped, tensors(vector["expect"]["clipped"]), atol=1e-6, rtol=0)
    torch.testing.assert_close(given, before)


@pytest.mark.parametrize("mixed", [False, True])
def test_what_is_infinite_becomes_nan(mixed):
    """The trainer refuses such gradients before it comes to that."""
    vector = by_name("clip")["global_norm_infinite_gives_nan"]
    assert vector["expect"]["clipped"] == "all NaN"
    given = tensors(vector["given"]["tensors"]) + [torch.ones(2)] * mixed
    assert all(tensor.isnan().all() for tensor in clip_by_global_norm(given, vector["given"]["clip_norm"]))


@pytest.mark.parametrize("norm", [0.0, 2.0])
def test_to_nothing(norm):
    (clipped,) = clip_by_global_norm([torch.tensor([norm, 0.0])], 0.0)
    assert clipped.tolist() == [0.0, 0.0]


def test_what_is_large_is_not_infinite():
    """Upstream makes it NaN, for float32 holds the numbers, but not their squares."""
    (clipped,) = clip_by_global_norm([torch.tensor([-3e30, 4e30])], 5.0)
    torch.testing.assert_close(clipped, torch.tensor([-3.0, 4.0]))


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_impossible_limits_are_refused(limit):
    with pytest.raises(ConfigError, match=f"^clip_norm={limit}: must be >= 0"):
        clip_by_global_norm([torch.ones(1)], limit)


def test_norms_are_upstreams():
    vector = by_name("clip")["global_norm_value"]
    *cases, _ = vector["given"]["cases"]
    norms = [global_norm(tensors(case)) for case in [*cases, [["inf"] * 3] * 2]]
    assert norms == pytest.approx([float(norm) for norm in vector["expect"]["norms"]])
