"""Structures of tensors through a queue: the tensors travel, the structure stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monolith.core.errors import DataError
from monolith.core.fifo import FifoQueue
from monolith.core.nested import Nested, Tensor, fill, flatten, template


@dataclass(frozen=True, slots=True)
class NestedQueue:
    """A queue of structures that are all alike. `queue` holds the flat lists; close it there."""

    token_template: Nested
    queue: FifoQueue[Sequence[Tensor]]

    def enqueue(self, nested: Nested) -> None:
        """Add the tensors of `nested`, once there is room.

        Raises:
            DataError: it differs from the template in more than its tensors' values and shapes.
            QueueClosed: nobody takes any more.
        """
        if (given := template(nested)) != self.token_template:
            raise DataError(f"this queue holds {self.token_template}, not {given}")
        self.queue.enqueue(flatten(nested))

    def dequeue(self) -> Nested:
        """Take the oldest structure, once there is one.

        Raises:
            QueueClosed: it is closed and empty.
        """
        return fill(self.token_template, self.queue.dequeue())


def enqueue_dicts_with_queue_return(nested: Nested, capacity: int) -> tuple[Nested, NestedQueue | None]:
    """A queue for structures like `nested`, with the token template; `nested` itself and no queue for 0.

    `nested` is only the pattern: as in the reference, whoever fills the queue enqueues it too.

    Raises:
        DataError: a leaf or a key of a type that cannot be in a structure.
        ConfigError: a negative capacity.
    """
    if capacity == 0:
        return nested, None
    pattern = template(nested)
    return pattern, NestedQueue(pattern, FifoQueue(capacity))
