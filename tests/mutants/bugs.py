"""The bugs that are planted, one at a time: what would be wrong, where, and how it comes to be."""

from tests.mutants import (
    checkpoints,
    joining,
    online,
    parted,
    progressive,
    roles,
    running,
    streams,
    syncing,
    tables,
    training,
)

_ROOMS = (
    running,
    roles,
    training,
    checkpoints,
    tables,
    streams,
    parted,
    joining,
    syncing,
    online,
    progressive,
)
BUGS = [bug for room in _ROOMS for bug in room.BUGS]
