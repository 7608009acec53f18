"""Bugs of a call that is parted among servers, and of the answer that is put together again."""

from tests.mutants.planting import Bug

PS, TESTS = "monolith/ps", "tests/unit/ps"

BUGS = [
    Bug(
        "Each message of a lookup overwrites the rows of the one before",
        f"{PS}/chunks.py",
        "self._into.put(found.rows, piece.start)",
        "self._into.put(found.rows)",
        f"{TESTS}/test_chunked_road.py",
    ),
    Bug(
        "What memory held before is given as rows that a server left out",
        f"{PS}/roads.py",
        "    if there != due:\n",
        "    if len(there) != len(due):\n",
        f"{TESTS}/test_roads.py",
    ),
    Bug(
        "Of two servers each is asked for what the other owns",
        f"{PS}/routing.py",
        "[np.flatnonzero(~odd), np.flatnonzero(odd)]",
        "[np.flatnonzero(odd), np.flatnonzero(~odd)]",
        f"{TESTS}/test_routing.py",
    ),
    Bug(
        "Ids that repeat get rows in the order of servers",
        f"{PS}/routing.py",
        "inverse=places[inverse]",
        "inverse=inverse",
        f"{TESTS}/test_routing.py",
    ),
    Bug(
        "A server that gives more answers than were asked is taken at its word",
        f"{PS}/roads.py",
        "        if len(reply.responses) > len(asked):",
        "        if len(reply.responses) < 0:",
        f"{TESTS}/test_roads.py",
    ),
]
