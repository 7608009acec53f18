"""What the table must reach, as ratios of figures of one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from harness.figures import Figure, Load, Record

# Peers return fresh arrays, as `find` does; the limit writes where it wrote before, as `look_up` can.
LOOKUP, LOOKUP_INTO, UPDATE = "monolith find", "monolith look_up, into", "monolith adagrad"


@dataclass(frozen=True)
class Verdict:
    says: str
    ratio: float | None  # None: one side was not measured
    bound: str
    holds: bool | None

    def __str__(self) -> str:
        word = {True: "holds", False: "MISSED", None: "not measured"}[self.holds]
        ratio = "   -  " if self.ratio is None else f"{self.ratio:6.2f}"
        return f"{ratio}  {self.bound:6}  {word:12}  {self.says}"


@dataclass(frozen=True)
class Limit:
    """How many times as long `above` takes as the fastest of `below`, or the other way round."""

    says: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    at_most: float = 0.0
    at_least: float = 0.0
    threads: tuple[int, int] = (1, 1)

    def judge(self, record: Record, load: Load) -> Verdict:
        sides = zip((self.above, self.below), self.threads, strict=True)
        above, below = (_fastest(record, replace(load, threads=n), ways) for ways, n in sides)
        return verdict(self.says, above.over(below) if above and below else None, self.at_most, self.at_least)


def verdict(says: str, figure: float | None, at_most: float = 0.0, at_least: float = 0.0) -> Verdict:
    """Whether a figure keeps its one bound."""
    bound = f"<= {at_most:g}" if at_most else f">= {at_least:g}"
    if figure is None:
        return Verdict(says, None, bound, None)
    return Verdict(says, figure, bound, figure <= at_most if at_most else figure >= at_least)


def _fastest(record: Record, load: Load, ways: tuple[str, ...]) -> Figure | None:
    found = [figure for way in ways if (figure := record.find(load, way))]
    return min(found, key=lambda figure: figure.median, default=None)


def conclude(record: Record, verdicts: list[Verdict]) -> None:
    """Print what holds, and write everything."""
    print("\n## Limits", *verdicts, sep="\n")
    record.more["limits"] = [asdict(one) for one in verdicts]
    if record.left_out:
        print("\nleft out:", *(f"{who}: {why}" for who, why in record.left_out.items()), sep="\n  ")
    print(f"\n{record.write()}")


TORCH = ("torch optim.Adagrad, sparse", "torch adagrad by hand")
LIMITS = (
    Limit("lookup over prefetched gather", (LOOKUP_INTO,), ("prefetched gather",), at_most=2.7),
    Limit("lookup over torch index_select", (LOOKUP,), ("torch index_select",), at_most=1.3),
    Limit("TFRA lookup over ours", ("tfra lookup",), (LOOKUP,), at_least=4),
    Limit("TFRA lookup over ours, 2 threads", ("tfra lookup",), (LOOKUP,), at_least=4, threads=(2, 2)),
    Limit("torch sparse Adagrad over ours", TORCH, (UPDATE,), at_least=6),
    Limit("fbgemm exact_adagrad over ours", ("fbgemm exact_adagrad",), (UPDATE,), at_least=4),
    Limit("TFRA Adagrad over ours", ("tfra adagrad",), (UPDATE,), at_least=10),
    Limit("lookups, 1 thread over 2", (LOOKUP,), (LOOKUP,), at_least=1.7, threads=(1, 2)),
    Limit("updates, 1 thread over 2", (UPDATE,), (UPDATE,), at_least=1.7, threads=(1, 2)),
)
