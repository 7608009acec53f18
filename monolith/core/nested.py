"""Structures of tensors: taken apart into a flat list, and put together again.

A structure is made of mappings with text for keys, lists and tuples. Its leaves are tensors (numpy arrays of
any dtype, and `Ragged` ones), which travel, and plain values, which stay behind in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monolith.core.batch import Ragged
from monolith.core.errors import DataError

Tensor: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Token:
    """Stands in a template for tensor `index` of the flat list."""

    index: int


@dataclass(frozen=True, slots=True)
class RaggedToken:
    """Stands in a template for a ragged tensor: its values, and its row splits."""

    values: Token
    row_splits: Token


Plain: TypeAlias = str | bool | int | float | np.generic | None
Leaf: TypeAlias = Tensor | Ragged | Token | RaggedToken | Plain
Nested: TypeAlias = Leaf | Sequence["Nested"] | Mapping[str, "Nested"]

_LEAVES = (np.ndarray, Ragged, Token, RaggedToken, str, bool, int, float, np.generic, type(None))


def flatten(nested: Nested) -> list[Tensor]:
    """The tensors of `nested`: first all arrays, then values and row splits of each ragged one.

    Depth first; sequences in order, mappings in the order of their keys.

    Raises:
        DataError: a leaf or a key of a type that has no place here.
    """
    leaves = _leaves(nested)
    arrays = [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]
    ragged = [leaf for leaf in leaves if isinstance(leaf, Ragged)]
    return arrays + [part for one in ragged for part in (one.fids, one.row_splits)]


def template(nested: Nested) -> Nested:
    """`nested` with a token in the place of each tensor, numbered as `flatten` orders them.

    Raises:
        DataError: as `flatten`.
    """
    numbers = count()
    after = count(sum(isinstance(leaf, np.ndarray) for leaf in _leaves(nested)))

    def token(leaf: Leaf) -> Leaf:
        if isinstance(leaf, np.ndarray):
            return Token(next(numbers))
        if isinstance(leaf, Ragged):
            return RaggedToken(Token(next(after)), Token(next(after)))
        return leaf

    return _changed(nested, token)


def fill(template: Nested, tensors: Sequence[Tensor]) -> Nested:
    """`template` with the tensors back in the places of their tokens.

    Raises:
        DataError: a token has no tensor.
    """

    def of(token: Token) -> Tensor:
        if not 0 <= token.index < len(tensors):
            raise DataError(f"token {token.index} has no tensor: there are {len(tensors)}")
        return tensors[token.index]

    def tensor(leaf: Leaf) -> Leaf:
        if isinstance(leaf, Token):
            return of(leaf)
        if isinstance(leaf, RaggedToken):
            return Ragged(of(leaf.values), of(leaf.row_splits))
        return leaf

    return _changed(template, tensor)


def _leaves(nested: Nested) -> list[Leaf]:
    found: list[Leaf] = []

    def keep(leaf: Leaf) -> Leaf:
        found.append(leaf)
        return leaf

    _changed(nested, keep)
    return found


def _changed(nested: Nested, change: Callable[[Leaf], Leaf]) -> Nested:
    """`nested` with each leaf changed, in the order of traversal; mappings come out as sorted dicts."""
    if isinstance(nested, _LEAVES):
        return change(nested)
    if isinstance(nested, list | tuple):
        return type(nested)([_changed(item, change) for item in nested])
    if isinstance(nested, Mapping):
        return {key: _changed(nested[key], change) for key in sorted(nested, key=_text)}
    raise DataError(
        f"a structure of tensors cannot hold {type(nested).__name__} {nested!r}: "
        "use mappings, lists, tuples, numpy arrays, Ragged, text, numbers and None"
    )


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise DataError(f"a structure of tensors has the key {key!r}: keys must be text")
    return key
