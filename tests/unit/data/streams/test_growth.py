"""Partitions that are added while a topic is read are told once, and not read."""

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams.growth import EVERY_S, GrowthTold
from monolith.data.streams.log import Partition
from monolith.data.streams.memory import MemoryLog


class Growing(MemoryLog):
    """`counts` may be changed; None: nobody answers."""

    def __init__(self, topics):
        super().__init__(topics)
        self.counts = dict(topics)

    def partitions(self, topic):
        if self.counts[topic] is None:
            raise BrokersUnreachable("h:1", 1.0, "down")
        return self.counts[topic]


class Watched:
    """A reader of one partition, whose clock goes on a look a poll."""

    def __init__(self):
        self.log, self.said, self.now = Growing({"t": 1, "u": 1}), [], 0.0
        self.offsets = {Partition("t", 0): 0}
        self.reader = GrowthTold(
            self.log.read(self.offsets), self.log, ["t", "u"], self.said.append, lambda: self.now
        )

    def poll(self):
        self.now += EVERY_S
        return self.reader.poll(10, 0)


def test_growth_is_told_once():
    watched = Watched()
    watched.poll()
    assert watched.said == []
    watched.log.counts["u"] = 3
    for _ in range(3):
        watched.poll()
    assert watched.said == [
        "topic u has 3 partitions now, and had 1: the new ones are read from the next start on, from their "
        "beginning"
    ]


def test_who_does_not_answer_is_asked_again():
    watched = Watched()
    watched.log.counts["t"] = None
    watched.poll()
    watched.log.counts["t"] = 2
    watched.poll()
    assert len(watched.said) == 1


def test_reading_goes_on_as_before():
    watched = Watched()
    watched.log.send("t", b"x")
    assert [message.value for message in watched.poll()] == [b"x"]
    assert set(watched.reader.ended) == {Partition("t", 0)}
    watched.reader.commit({Partition("t", 0): 1})
    assert watched.log.committed == {Partition("t", 0): 1}
    assert not watched.reader.away
    watched.reader.close()
