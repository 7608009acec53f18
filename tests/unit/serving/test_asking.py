"""Whatever a server answers, who asked hears of it."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from monolith.core.errors import ServingError
from monolith.serving.asking import GrpcReplica


class Answered:
    """A call whose answer cannot be read, for this reason."""

    def __init__(self, error):
        self._error = error

    def add_done_callback(self, heard):
        heard(self)

    def trailing_metadata(self):
        raise self._error


@pytest.mark.parametrize("error", [ValueError(), KeyError("prediction")], ids=repr)
def test_an_answer_that_cannot_be_read_is_told(error):
    with closing(GrpcReplica("unix:nobody", timeout_s=1)) as replica:
        replica._predict = SimpleNamespace(future=lambda request, timeout: Answered(error))
        failed = replica.ask(None).exception(0)
    assert isinstance(failed, ServingError)
    assert str(failed) == f"unix:nobody: its answer cannot be read: {error!r}"
