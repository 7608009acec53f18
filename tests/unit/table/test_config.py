"""Table definitions that cannot be are refused with a sentence that names the culprit."""

import tomllib
from pathlib import Path
from typing import get_args

import attrs
import numpy as np
import pytest

from monolith.core.errors import ConfigError
from monolith.table.config import (
    Adagrad,
    Adam,
    BatchSoftmax,
    Compressor,
    Constants,
    Dc,
    Fp16,
    Ftrl,
    Initializer,
    Momentum,
    MovingAverage,
    Optimizer,
    RandomNormal,
    RandomUniform,
    Segment,
    Sgd,
    SlotExpireTimeConfig,
    StochasticRoundingFloat16,
    TableConfig,
    TruncatedNormal,
    XavierUniform,
    Zeros,
    batch_softmax_initializer,
)
from monolith.table.optimizer_config import Plain, own_rate
from monolith.table.table import Table
from monolith.wire import embedding_hash_table_pb2 as messages

CONSTRUCTORS = tomllib.loads(Path(__file__).with_name("constructors.toml").read_text())
KINDS = {"optimizer": Optimizer, "initializer": Initializer, "compressor": Compressor}


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_is_listed(kind):
    assert {one.__name__ for one in get_args(KINDS[kind])} == CONSTRUCTORS[kind].keys()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        pytest.param(one, CONSTRUCTORS[kind][one.__name__], id=one.__name__)
        for kind, union in KINDS.items()
        for one in get_args(union)
    ],
)
def test_arguments_are_named_and_preset_as_listed(kind, fields):
    told = {f.name: "required" if f.default is attrs.NOTHING else f.default for f in attrs.fields(kind)}
    assert list(told.items()) == list(fields.items())
    assert [type(value) for value in told.values()] == [type(value) for value in fields.values()]


BAD = {
    "Sgd learning_rate=-0.1": lambda: Sgd(-0.1),
    "Sgd learning_rate=nan": lambda: Sgd(float("nan")),
    "Adagrad learning_rate=1e+39": lambda: Adagrad(1e39),
    "Adam warmup_steps=-1": lambda: Adam(warmup_steps=-1),
    "Momentum momentum=1.0": lambda: Momentum(momentum=1),
    "TruncatedNormal std=-1.0": lambda: TruncatedNormal(std=-1),
    "Segment dim=2": lambda: Segment(2, optimizer=Dc(BatchSoftmax())),
    "Adagrad initial_accumulator_value=-1.0": lambda: Adagrad(initial_accumulator_value=-1),
    "Adagrad weight_decay_factor=-1.0": lambda: Adagrad(weight_decay_factor=-1),
    "Adam beta1=1.0": lambda: Adam(beta1=1),
    "Adam beta2=-0.5": lambda: Adam(beta2=-0.5),
    "Adam epsilon=0.0": lambda: Adam(epsilon=0),
    "Adam epsilon=1e-50: must be > 0, and float32 makes it 0.0": lambda: Adam(epsilon=1e-50),
    "Adam beta1=0.99999999: must be >= 0 and < 1, and float32 makes it 1.0": lambda: Adam(beta1=0.99999999),
    "Ftrl initial_accumulator_value=-1.0": lambda: Ftrl(initial_accumulator_value=-1),
    "Ftrl beta=-1.0": lambda: Ftrl(beta=-1),
    "Ftrl l1_regularization_strength=inf": lambda: Ftrl(l1_regularization_strength=float("inf")),
    "Constants constant=nan": lambda: Constants(float("nan")),
    "RandomUniform minval=1.0": lambda: RandomUniform(1, 0),
    "RandomUniform(minval=-3e+38, maxval=3e+38): what it draws must be": lambda: RandomUniform(-3e38, 3e38),
    "RandomNormal(mean=3e+38, std=1e+38): what it draws must be": lambda: RandomNormal(3e38, 1e38),
    "XavierUniform(gain=1e+38): what it draws must be": lambda: XavierUniform(1e38),
    "Segment dim=0": lambda: Segment(0),
    "Segment dim=2.5": lambda: Segment(2.5),
    "Segment dim=None": lambda: Segment(None),
    "Segment initializer=Sgd(": lambda: Segment(2, Sgd()),
    "Segment optimizer='sgd'": lambda: Segment(2, optimizer="sgd"),
    "Segment compressor=<class": lambda: Segment(2, compressor=Fp16),
    "StochasticRoundingFloat16 optimizer=Fp16()": lambda: Dc(StochasticRoundingFloat16(Fp16())),
    "Adam learning_rate='much'": lambda: Adam("much"),
    "Adam warmup_steps=2.5": lambda: Adam(warmup_steps=2.5),
    "Adam use_nesterov='no'": lambda: Adam(use_nesterov="no"),
    "Adam use_nesterov=2": lambda: Adam(use_nesterov=2),
    "SlotExpireTimeConfig slot_expire_times, slot 32768: is not": lambda: SlotExpireTimeConfig({1 << 15: 1}),
    "SlotExpireTimeConfig slot_expire_times, slot 3: stands there twice": lambda: SlotExpireTimeConfig(
        [(3, 1), (3, 2)]
    ),
    "SlotExpireTimeConfig slot_expire_times, slot 3 is -1: must be": lambda: SlotExpireTimeConfig({3: -1}),
    "slot and value (3, 2.5): must be two whole": lambda: SlotExpireTimeConfig({3: 2.5}),
    "a table without segments": lambda: TableConfig(()),
    "TableConfig segments, 2: must be a Segment()": lambda: TableConfig([2]),
    "TableConfig segments, Zeros(": lambda: TableConfig(Zeros()),
    "slot and value '3': must be two whole": lambda: SlotExpireTimeConfig("3"),
    "Segment dim=1180591620717411303424: must be a number that int64": lambda: Segment(2**70),
    "slots and values 3: must be a mapping": lambda: SlotExpireTimeConfig(3),
    "SlotExpireTimeConfig slot_expire_times, slot 3 is 4294967296: must": lambda: SlotExpireTimeConfig(
        {3: 2**32}
    ),
    "SlotExpireTimeConfig default_expire_time=4294967296: must be": lambda: SlotExpireTimeConfig((), 2**32),
    "TableConfig slot_expire_time_config=3: must be a SlotExpireTimeConfig()": lambda: TableConfig(
        [Segment(1)], slot_expire_time_config=3
    ),
    "TableConfig filter_config=default_expire_time: 3": lambda: TableConfig(
        [Segment(1)], filter_config=messages.SlotExpireTimeConfig(default_expire_time=3)
    ),
    "a table of [Segment(": lambda: Table([Segment(1)]),
    "Constants constant='often'": lambda: batch_softmax_initializer("often"),
}


@pytest.mark.parametrize("culprit", BAD)
def test_impossible_definition_is_refused(culprit):
    with pytest.raises(ConfigError) as refusal:
        BAD[culprit]()
    assert str(refusal.value).startswith(culprit)
    assert any(said in str(refusal.value) for said in ("must be", "needs", "is not in", "twice"))


def test_numbers_are_of_their_fields_type():
    """Also what numpy has counted, which no manifest could hold."""
    told = Adam(beta1=0, warmup_steps=np.int64(3), use_nesterov=np.True_)
    ((slot, days),) = SlotExpireTimeConfig({np.int64(3): np.int64(5)}).slot_expire_times
    values = [told.beta1, told.warmup_steps, told.use_nesterov, Segment(np.int64(4)).dim, slot, days]
    assert [type(value) for value in values] == [float, int, bool, int, int, int]


@pytest.mark.parametrize("kind", get_args(Plain | Initializer | Compressor))
def test_none_is_the_default(kind):
    assert kind(*(None for _ in attrs.fields(kind))) == kind()


def test_batch_softmax_starts_at_an_interval():
    assert batch_softmax_initializer(5.0) == Constants(5.0)
    with pytest.raises(ConfigError, match=r"^init_step_interval should be >= 1, while got 0\.5$"):
        batch_softmax_initializer(0.5)


@pytest.mark.parametrize(("step", "expected"), [(0, 0.0), (1, 0.25), (4, 1.0), (50, 1.0)])
def test_own_rate_warms_up(step, expected):
    for optimizer in (Sgd(1.0, 4), StochasticRoundingFloat16(Dc(Sgd(1.0, 4)))):
        assert own_rate(optimizer, step) == expected
    assert own_rate(Sgd(1.0), step) == 1.0
    assert own_rate(MovingAverage(), step) == 0.0


def test_equal_definitions_are_one_table():
    assert TableConfig([Segment(3)]) == TableConfig((Segment(3),))
    assert len({TableConfig([Segment(3)]), TableConfig((Segment(3),)), TableConfig([Segment(4)])}) == 2
