"""Bugs of joining impressions with actions, and of what training makes of the rate."""

from tests.mutants.planting import Bug

JOINING = "monolith/data/joining"
TESTS = "tests/unit/data/joining"

BUGS = [
    Bug(
        "A broker that tells an end too early makes a partition idle that is not",
        "monolith/data/streams/log.py",
        "partition in ended and log.span(partition).end <= ended[partition]",
        "log.span(partition).end <= ended.get(partition, 0)",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "A partition whose last offset is the end of a transaction is waited for",
        f"{JOINING}/inputs.py",
        "self._idle.now(self.next, ended)",
        "self._idle.now(self.next, {place: self.next[place] for place in ended})",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "What brokers did not take before a joiner was stopped is forgotten",
        f"{JOINING}/pump.py",
        "if self._arrived():",
        "if self._arrived() or True:",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "Who is to stop closes all windows that have passed before",
        f"{JOINING}/pump.py",
        " and not self._around.stop.asked:",
        ":",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "Examples leave before it is on disk that they do",
        f"{JOINING}/pump.py",
        "        self._state.commit(self._inputs.reached, self._joiner.watermark, leaving)\n"
        "        self._send(leaving)\n",
        "        self._send(leaving)\n"
        "        self._state.commit(self._inputs.reached, self._joiner.watermark, leaving)\n",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "A joiner that was killed does not send what was on its way",
        f"{JOINING}/pump.py",
        "self._send(self._state.unsent())",
        "self._send([])",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "How far the topics are read is not in the transaction",
        f"{JOINING}/state.py",
        "for place, how_far in reached.items()]",
        "for place, how_far in ()]",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "The topic that is ahead decides what is late",
        f"{JOINING}/watermark.py",
        "return min((time for",
        "return max((time for",
        f"{TESTS}/test_watermark.py",
    ),
    Bug(
        "Which negatives stay is drawn anew each time",
        f"{JOINING}/rules.py",
        "xxhash.xxh3_64_intdigest(key, seed=self.seed)",
        "__import__('random').getrandbits(64)",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "An action that came first is forgotten when its impression comes",
        f"{JOINING}/joiner.py",
        "known.actions if known else ()",
        "()",
        f"{TESTS}/test_pump.py",
    ),
    Bug(
        "An impression that was called negative is forgotten at once",
        f"{JOINING}/joiner.py",
        "state=State.NEGATIVE, due=self._rules.forgets(entry.time)",
        "state=State.NEGATIVE, due=entry.due",
        f"{TESTS}/test_rules.py",
    ),
    Bug(
        "What was forgotten on disk comes back",
        f"{JOINING}/spill.py",
        "key not in self._held and key not in self._changed",
        "key not in self._held",
        f"{TESTS}/test_spill.py",
    ),
    Bug(
        "What is due on disk is not looked for",
        f"{JOINING}/spill.py",
        "        self.load(keys)\n",
        "",
        f"{TESTS}/test_spill.py",
    ),
    Bug(
        "Logits are corrected the wrong way",
        "monolith/estimator/correction.py",
        "logits - sample_rates.log()",
        "logits + sample_rates.log()",
        "tests/unit/estimator/test_correction.py",
    ),
    Bug(
        "Figures take the negatives that are left for all of them",
        "monolith/core/batch.py",
        "self.weights / self.sample_rates",
        "self.weights",
        "tests/unit/estimator/test_correction.py",
    ),
]
