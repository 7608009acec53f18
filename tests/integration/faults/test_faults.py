"""Each part of an online job is killed, frozen and cut off, while messages come and predictions are asked."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import pytest
from confluent_kafka import KafkaError

from tests.integration.cli.conftest import DEADLINE_S
from tests.integration.cli.processes import until
from tests.integration.faults.blows import Blow, Part
from tests.integration.faults.box import BATCH, CHECKPOINT, Box
from tests.integration.faults.conftest import Make, Shelf, with_mock, with_tansu
from tests.integration.faults.laws import BEHIND_S, LAWS, others_were_undisturbed
from tests.integration.stream.mock import FETCH, METADATA, MockCluster

pytestmark = pytest.mark.timeout(600)

BEFORE_S, AFTER_S = 1.0, 0.5
AWAY_S = {Part.REPLICA: 5.0}  # others 2: longer than a push may take
LONG_S = 25.0  # a call waits for 30: who was away as long as that would come back too late for some


class Case(NamedTuple):
    """`part` comes to harm for so long."""

    part: Part
    blow: Blow
    away_s: float

    def __str__(self) -> str:
        return f"{self.part} {self.blow}"


class Refusals(NamedTuple):
    """The broker answers so many requests of each kind with an error, and then is gone for so long."""

    error: int
    times: int
    away_s: float


# A broker that is killed forgets: no message can be counted in that box from then on. So it comes last.
CASES = sorted(product(Part, Blow), key=lambda one: one == (Part.BROKER, Blow.KILLED))
SHORT = [Case(part, blow, AWAY_S.get(part, 2.0)) for part, blow in CASES]
LONG = [Case(part, blow, LONG_S) for part, blow in CASES]


def judge(shelf: Shelf, make: Make, cases: Iterable[Case]) -> None:
    """Do all that to one box, and see that every law holds after each."""
    box = shelf.take(make)
    try:
        for case in cases:
            suffer(box, case)
    except BaseException as exc:
        exc.add_note(shelf.throw_away())
        raise


def suffer(box: Box, case: Case) -> None:
    if case.blow is Blow.KILLED and case.part in (Part.TRAINER, Part.PS):
        before = box.newest_checkpoint()
        box.traffic.begin(3 * CHECKPOINT)  # so that something is read and not trained when it dies
        until("a checkpoint is written", lambda: box.newest_checkpoint() > before)
    else:
        be_busy(box)
    began = time.monotonic()
    box.hit(case.part, case.blow)
    time.sleep(case.away_s)
    box.heal(case.part, case.blow)
    others_were_undisturbed(box, case.part, began)
    time.sleep(AFTER_S)
    obey_laws(box)


def be_busy(box: Box) -> None:
    """Messages come, and are soon predicted: who is only starting would not notice any harm."""
    trained = box.times_trained()
    box.traffic.begin()
    until("batches are trained", lambda: box.times_trained() > trained + 3 * BATCH, DEADLINE_S)
    until("what was sent is predicted", lambda: box.behind_s() < BEHIND_S / 2, DEADLINE_S)
    time.sleep(BEFORE_S)


def obey_laws(box: Box) -> None:
    trained = box.settle()
    for law in LAWS:
        law(box, trained)
    box.judged()


@pytest.mark.parametrize("case", SHORT, ids=str)
def test_nothing_is_lost_torn_or_older(shelf: Shelf, case: Case) -> None:
    judge(shelf, with_tansu, [case])


@pytest.mark.soak
@pytest.mark.parametrize("case", LONG, ids=str)
def test_long_ones_do_no_more_harm(shelf: Shelf, case: Case) -> None:
    if case == LONG[-1]:  # all is sent again to the broker that forgot, and after the others that is much
        shelf.throw_away()
    judge(shelf, with_tansu, [case])


@pytest.mark.soak
@pytest.mark.parametrize("draws", range(3))
def test_one_after_the_other(shelf: Shelf, draws: int) -> None:
    """Ten blows by lot, none of which makes the broker forget."""
    draw = random.Random(draws)
    cases = [Case(*draw.choice(CASES[:-1]), away_s=draw.uniform(0.1, 8.0)) for _ in range(10)]
    judge(shelf, with_tansu, cases)


@pytest.mark.parametrize(
    "refusals",
    [
        Refusals(KafkaError.NOT_LEADER_FOR_PARTITION, 3, 0.0),
        Refusals(KafkaError.REQUEST_TIMED_OUT, 3, 1.0),
        pytest.param(Refusals(KafkaError.BROKER_NOT_AVAILABLE, 30, LONG_S), marks=pytest.mark.soak),
    ],
    ids=lambda refusals: KafkaError(refusals.error).name(),
)
def test_brokers_that_refuse(shelf: Shelf, refusals: Refusals) -> None:
    box = shelf.take(with_mock)
    assert isinstance(box.broker, MockCluster)
    try:
        be_busy(box)
        for api in (FETCH, METADATA):
            box.broker.fail(api, [refusals.error] * refusals.times)
        time.sleep(BEFORE_S)
        box.traffic.end()  # what the mock had no time to confirm is sent again, and it would store it twice
        box.broker.down()
        time.sleep(refusals.away_s)
        box.broker.up()
        box.traffic.begin()
        time.sleep(AFTER_S)
        obey_laws(box)
    except BaseException as exc:
        exc.add_note(shelf.throw_away())
        raise
