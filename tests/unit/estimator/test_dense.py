"""Dense values between modules, servers and checkpoints."""

from functools import partial

import numpy as np
import pytest
import torch

from monolith.core.errors import CheckpointMismatch
from monolith.estimator.dense import (
    DenseParameters,
    load_module,
    load_optimizer,
    module_tensors,
    optimizer_tensors,
)
from monolith.estimator.model import MonolithModel
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard


def module(seed=0, inputs=2):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(inputs, 3), torch.nn.BatchNorm1d(3))


@pytest.fixture
def client():
    with BlockingClient.local([LocalShard(0), LocalShard(1)]) as one:
        yield one


def joined(client, one):
    dense = DenseParameters(one)
    dense.join(client)
    return dense


def weight(one):
    return one[0].weight.detach().numpy().copy()


def learn(one, amount):
    with torch.no_grad():
        one[0].weight += amount


def test_the_first_values_win(client):
    first, second = module(0), module(1)
    joined(client, first), joined(client, second)
    np.testing.assert_array_equal(weight(second), weight(module(0)))


def test_a_replacement_wins_over_what_is_there(client):
    joined(client, module(0))
    DenseParameters(module(1)).replace(client)
    late = module(2)
    joined(client, late)
    np.testing.assert_array_equal(weight(late), weight(module(1)))


def test_workers_changes_add_up(client):
    one, two = module(), module()
    first, second = joined(client, one), joined(client, two)
    learn(one, 1.0), learn(two, 0.5)
    first.sync(client), second.sync(client), first.sync(client)
    np.testing.assert_allclose(weight(one), weight(module()) + 1.5, rtol=1e-6)
    np.testing.assert_array_equal(weight(one), weight(two))


def test_alone_a_sync_changes_nothing_much(client):
    one = module()
    dense = joined(client, one)
    learn(one, 0.125)
    before = weight(one)
    dense.sync(client)
    np.testing.assert_allclose(weight(one), before, rtol=1e-6)


def test_counters_stay_at_home(client):
    one = module()
    dense = joined(client, one)
    one[1].num_batches_tracked += 5
    dense.sync(client)
    assert one[1].num_batches_tracked == 5


def test_a_module_comes_back_with_its_counters():
    one, two = module(0), module(1)
    one[1].num_batches_tracked += 5
    load_module(two, module_tensors(one))
    np.testing.assert_array_equal(weight(two), weight(one))
    assert two[1].num_batches_tracked == 5


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (module(inputs=4), "'0.weight' is 3x2 in the checkpoint and 3x4 in this model"),
        (torch.nn.Linear(1, 1), "'0.bias' is 3 in the checkpoint and missing in this model"),
    ],
)
def test_another_module_is_refused(other, sentence):
    with pytest.raises(CheckpointMismatch, match=sentence):
        load_module(other, module_tensors(module()))


@pytest.mark.parametrize(
    "optimizer",
    [
        torch.optim.Adam,
        torch.optim.Adagrad,
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    ],
    ids=["adam", "adagrad", "sgd", "momentum"],
)
def test_an_optimizer_goes_on_as_if_never_stopped(optimizer):
    def steps(one, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            one[0](torch.ones(2)).square().sum().backward()
            optimizer.step()

    straight, before, after = module(), module(), module(1)
    steps(straight, optimizer(straight.parameters()), 5)
    first = optimizer(before.parameters())
    steps(before, first, 3)
    load_module(after, module_tensors(before))
    second = optimizer(after.parameters())
    load_optimizer(second, optimizer_tensors(first))
    steps(after, second, 2)
    np.testing.assert_array_equal(weight(after), weight(straight))


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.randn(3, 4),
        lambda: torch.randn(3, 4).t(),
        lambda: torch.randn(3, 4, dtype=torch.complex64),
        lambda: torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    ],
    ids=["as usual", "transposed", "complex", "channels last"],
)
def test_the_usual_optimizer_resumes_weights_however_they_lie(make):
    def steps(weight, optimizer, count):
        for turn in range(count):
            weight.grad = torch.arange(weight.numel()).reshape(weight.shape).to(weight.dtype) + turn
            optimizer.step()

    usual = partial(MonolithModel().optimizer, learning_rate=0.1)
    torch.manual_seed(0)
    straight = torch.nn.Parameter(make())
    torch.manual_seed(0)
    resumed = torch.nn.Parameter(make())
    first, second = usual([straight]), usual([resumed])
    steps(straight, first, 3)
    steps(resumed, second, 3)
    third = usual([resumed])
    load_optimizer(third, {name: array.copy(order="C") for name, array in optimizer_tensors(second).items()})
    for turn in range(2):
        steps(straight, first, 1 + turn)
        steps(resumed, third, 1 + turn)
    torch.testing.assert_close(resumed, straight, rtol=0, atol=0)
