"""How serving goes wrong."""

from __future__ import annotations

from collections.abc import Mapping

from monolith.core.errors.base import MonolithError


class ServingError(MonolithError):
    """An exported model cannot be loaded, or a request cannot be answered."""

    def __init__(self, message: str, *, model: str = "", version: int | None = None) -> None:
        super().__init__(message)
        self.model = model
        self.version = version


class ModelNotFound(ServingError):
    """The model, or the version of it, that a request names is not served here."""


class InvalidRequest(ServingError):
    """A request does not fit the model. `input` is the part of it that does not, where one can be named."""

    def __init__(self, message: str, *, input: str = "") -> None:  # noqa: A002  # TF-Serving's word
        super().__init__(message)
        self.input = input


class TablesRefused(InvalidRequest):
    """Rows were pushed of tables that the model has not, or not like that: `why`, by table."""

    def __init__(self, why: Mapping[str, str]) -> None:
        super().__init__("; ".join(why.values()), input=next(iter(why)))
        self.tables = tuple(why)


class VersionUnready(ServingError):
    """A file of a version is not there, or cannot be read just now: it may be later."""


class EmbeddingsMissing(ServingError):
    """A version was exported without embeddings that no version before it has either."""


class EverythingNeeded(ServingError):
    """Pushed rows cannot be added to what is here: their sender must send all it has."""


class PushTooEarly(ServingError):
    """A push overtook the one that it comes after: send it again."""


class ServerBusy(ServingError):
    """It cannot be done now: try again."""
