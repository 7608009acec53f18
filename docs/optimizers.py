"""The page of all that a segment can be told, from the classes, the layout and the kernels themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, get_args

import attrs

from monolith.table.compressor_config import Compressor
from monolith.table.initializer_config import Initializer
from monolith.table.kernels import writing
from monolith.table.layout import PARTS, Part
from monolith.table.optimizer_config import Dc, StochasticRoundingFloat16
from monolith.table.optimizers import FORMULAS, compensated

HEAD = """# How rows start, learn and are served

Written by `nox -s docs -- --write`; do not edit.

A row of a table is a few segments, and each says how its values start, learn and are served:

    from monolith.table.config import Adagrad, FixedR8, RandomUniform, Segment, TableConfig

    TableConfig([Segment(16, RandomUniform(-0.01, 0.01), Adagrad(0.02, warmup_steps=1000), FixedR8(1.0))])

Classes and fields are called as in the original's messages (`Adagrad` is `AdagradOptimizerConfig`), and a
field that is not given, or is None, has the default below. The learning rate of a step is, segment by
segment, what `apply` is given; else the optimizer's own, which rises from 0 within its `warmup_steps`. Rates
that follow the step are in `monolith.estimator.learning_rates`: `Constant`, `PolynomialDecay` and `WarmUp`.

Gradients that are NaN or infinite are refused, with the id, and so is what is assigned or added; a server
can be told to skip or to clip them (`--bad-gradients`, `monolith.config.bad_gradients`). So are those from
2⁵⁶ (7e16) on in a table where an optimizer sums their squares, which would soon be infinite, and the row NaN.
The server counts them:
`not_finite` of `monolith ps stats`, and `monolith_ps_not_finite_total` where `--metrics-port` is given.
"""
OPTIMIZERS = """## Optimizers

w is a weight, g its gradient, D the number of values in the segment. The state is in float32 numbers.
"""
WRAPPERS = """## Wrappers

They go around an optimizer, and keep no state: `StochasticRoundingFloat16(Dc(Adagrad(), 0.1))`.
"""


def optimizers_page() -> str:
    """The whole page."""
    rows = [
        (_call(kind), _state(PARTS[kind]), _joined(_told(kind), _told(formula.formula)))
        for kind, formula in FORMULAS.items()
    ]
    wrappers = [
        (_call(Dc), _told(compensated)),
        (_call(StochasticRoundingFloat16), _told(writing.round_to_half)),
    ]
    return "\n".join(
        [
            HEAD,
            OPTIMIZERS,
            _table(("optimizer", "state of a row", "formula"), rows),
            WRAPPERS,
            _table(("wrapper", "formula"), wrappers),
            "## Initializers\n",
            _table(
                ("initializer", "meaning"), [(_call(kind), _told(kind)) for kind in get_args(Initializer)]
            ),
            "## Compressors\n",
            _table(("compressor", "meaning"), [(_call(kind), _told(kind)) for kind in get_args(Compressor)]),
        ]
    )


def _call(kind: type[Any]) -> str:
    """`Sgd(learning_rate=0.01)`, with every field."""
    fields = [f.name if f.default is attrs.NOTHING else f"{f.name}={f.default}" for f in attrs.fields(kind)]
    return f"`{kind.__name__}({', '.join(fields)})`"


def _state(parts: Iterable[Part]) -> str:
    kept = [f"`{part.name}`[{part.of or 'D'}] from {part.starts_at}" for part in parts]
    return ", ".join(kept) or "none"


def _told(what: object) -> str:
    """A docstring in one line, without what it raises."""
    text = (inspect.getdoc(what) or "").partition("Raises:")[0]
    return " ".join(text.split())


def _joined(*texts: str) -> str:
    return "<br>".join(texts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)
