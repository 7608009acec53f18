"""When a stream is over: nothing came for long enough, and the brokers say that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from monolith.core.errors import BrokersUnreachable
from monolith.data.streams.log import ASIDE_S, Log, Message, Offsets, Partition, Reader, at_end


class Silence:
    """How long nothing has come from `partitions`, and whether the stream is `over`.

    A broker that stands still, or one of several that is gone, is silent before anyone notices: so the log is
    asked, too. `enough_s` None: a stream is never over.
    """

    def __init__(
        self,
        reader: Reader,
        log: Log,
        partitions: Iterable[Partition],
        enough_s: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.over = False
        self._reader = reader
        self._log = log.within(ASIDE_S)
        self._partitions = tuple(partitions)
        self._enough_s = enough_s
        self._say = say
        self._seconds = 0.0
        self._told = False

    def lasted(self, seconds: float, messages: Sequence[Message]) -> None:
        """Nothing but `messages` came within `seconds`."""
        heard = messages or self._reader.away  # brokers that are away are not silent
        self._seconds = 0.0 if heard else self._seconds + seconds
        if self._enough_s is not None and self._seconds >= self._enough_s:
            self._look(self._seconds)
            self._seconds = 0.0

    def _look(self, seconds: float) -> None:
        ended = self._reader.ended
        left = next((one for one in self._partitions if not self._ends(one, ended)), None)
        self.over = left is None
        if left and not self._told:
            self._told = True
            self._say(
                f"{left}: nothing came for {seconds:.0f} s, but brokers do not say that this is its end"
            )

    def _ends(self, partition: Partition, ended: Offsets) -> bool:
        try:
            return at_end(self._log, partition, ended)
        except BrokersUnreachable:
            return False
