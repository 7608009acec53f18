"""Reading data: how many rows a second are parsed, shuffled and written, and what prefetching adds.

    python bench/data.py [--data FOLDER] [--rounds 5]

Without a folder it makes rows that look like The Complete Journey's: ten features with one id each. Figures
are the best round of each, in million rows per second, on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from monolith.core.batch import Batch, Ragged
from monolith.core.fids import make_fid
from monolith.core.records import read_records
from monolith.core.schema import Feature, Schema
from monolith.data.dataset import Dataset
from monolith.data.prefetch import prefetched
from monolith.data.reading import Reading
from monolith.data.writing import BLOCK_ROWS
from monolith.wire.examples import (
    encode_example_batch,
    encode_examples,
    parse_example_batch,
    parse_examples,
)

FEATURES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="a dataset folder, instead of made-up rows")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.data:
        of_dataset(Dataset.open(args.data), args.rounds)
    else:
        of_made_up(args.rounds)


def of_made_up(rounds: int) -> None:
    schema, batch = made_up()
    payload = encode_example_batch(batch)
    told("encode ExampleBatch", best(rounds, lambda: encode_example_batch(batch), BLOCK_ROWS))
    told("parse ExampleBatch", best(rounds, lambda: parse_example_batch(payload, schema), BLOCK_ROWS))
    rows = encode_examples(batch)
    told("parse Example rows", best(rounds, lambda: parse_examples(rows, schema), BLOCK_ROWS))
    sizes = len(payload), sum(map(len, rows))
    print(f"{BLOCK_ROWS:,} rows: {sizes[0]:,} bytes as an ExampleBatch, {sizes[1]:,} as Examples")


def of_dataset(dataset: Dataset, rounds: int) -> None:
    rows = dataset.rows("train")
    files = sorted((dataset.folder / "train").glob("*.tfrecord"))
    payloads = [payload for path in files[:4] for payload in read_records(path)]
    size = sum(path.stat().st_size for path in files)
    print(
        f"{dataset.schema.name}: {rows:,} rows, {len(dataset.schema.features)} features, {size / 1e6:,.0f} MB"
    )
    parsed = sum(len(parse_example_batch(payload, dataset.schema)) for payload in payloads)
    told("parse", best(rounds, lambda: [parse_example_batch(p, dataset.schema) for p in payloads], parsed))
    for shuffle in (False, True):
        told(f"read, shuffle={shuffle}", best(rounds, partial(drain, dataset, shuffle), rows))


def drain(dataset: Dataset, shuffle: bool) -> None:
    for _ in prefetched(dataset.batches(Reading(batch_size=512, shuffle=shuffle))):
        pass


def made_up() -> tuple[Schema, Batch]:
    features = [Feature(name=f"feature_{i}", kind="integer", slot=i + 1) for i in range(FEATURES)]
    rng = np.random.default_rng(0)
    each = np.arange(BLOCK_ROWS + 1)
    sparse = {f.name: Ragged(make_fid(f.slot, rng.zipf(1.2, BLOCK_ROWS)), each) for f in features}
    labels = rng.integers(0, 2, BLOCK_ROWS).astype(np.float32)
    return Schema(name="made up", features=features), Batch(sparse, {}, labels, np.ones_like(labels))


def best(rounds: int, call: Callable[[], object], rows: int) -> float:
    """Rows per second of the quickest round, after one that compiles."""
    call()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return rows / min(times)


def told(what: str, rows_per_second: float) -> None:
    print(f"{what:24} {rows_per_second / 1e6:8.2f} M rows/s")


if __name__ == "__main__":
    main()
