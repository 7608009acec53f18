"""When a session counts as lost, and what is done about a node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.discovery.zk_client import Heard, Node
from monolith.discovery.zk_session import Act, Link, Session, decide

MINE, EARLIER, STRANGER, NOBODY = 7, 3, 9, 0


def heard(*said, patience_s=10.0):
    session = Session(patience_s)
    for what, number, now in said:
        session.hear(what, number, now)
    return session


UP = (Heard.CONNECTED, MINE, 0.0)
DOWN = (Heard.SUSPENDED, 0, 5.0)


@pytest.mark.parametrize(
    ("said", "link", "deadline"),
    [
        ([], Link.OPENING, None),
        ([UP], Link.UP, None),
        ([UP, DOWN], Link.DOWN, 15.0),
        ([UP, DOWN, (Heard.SUSPENDED, 0, 8.0)], Link.DOWN, 15.0),  # silent since the first
        ([UP, DOWN, (Heard.EXPIRED, 0, 8.0)], Link.DOWN, 15.0),
        ([UP, (Heard.EXPIRED, 0, 8.0)], Link.DOWN, 18.0),
        ([UP, DOWN, (Heard.CONNECTED, MINE, 8.0)], Link.UP, None),
    ],
)
def test_the_connection_is_followed(said, link, deadline):
    session = heard(*said)
    assert (session.link, session.deadline) == (link, deadline)


@pytest.mark.parametrize("after", [(Heard.SUSPENDED, 0, 20.0), (Heard.EXPIRED, 0, 20.0)])
def test_the_lost_stay_lost_until_connected(after):
    session = heard(UP, DOWN)
    session.give_up()
    session.hear(*after)
    assert (session.link, session.deadline, session.silence(25.0)) == (Link.LOST, None, 20.0)
    session.hear(Heard.CONNECTED, 8, 30.0)
    assert (session.link, session.current, session.ours) == (Link.UP, 8, {MINE, 8})


@pytest.mark.parametrize(
    ("owner", "value", "claim", "act"),
    [
        (None, b"", False, Act.CREATE),
        (MINE, b"h:1", False, Act.NOTHING),
        (MINE, b"h:2", False, Act.SET),
        (EARLIER, b"h:1", False, Act.REPLACE),  # it would vanish with the session that made it
        (STRANGER, b"h:1", False, Act.NOTHING),
        (STRANGER, b"h:1", True, Act.REPLACE),
        (NOBODY, b"h:1", False, Act.NOTHING),
        (NOBODY, b"h:1", True, Act.REPLACE),
    ],
)
def test_a_wanted_node(owner, value, claim, act):
    session = heard((Heard.CONNECTED, EARLIER, 0.0), UP)
    node = None if owner is None else Node(value, 0, owner)
    assert decide(b"h:1", node, session, claim=claim) is act


@pytest.mark.parametrize(
    ("owner", "act"),
    [
        (None, Act.NOTHING),
        (MINE, Act.DELETE),
        (EARLIER, Act.DELETE),
        (STRANGER, Act.NOTHING),
        (NOBODY, Act.NOTHING),
    ],
)
@given(st.booleans())
def test_an_unwanted_node(owner, act, claim):
    session = heard((Heard.CONNECTED, EARLIER, 0.0), UP)
    node = None if owner is None else Node(b"h:1", 0, owner)
    assert decide(None, node, session, claim=claim) is act
