"""A word that is none of those that are known is refused by name, at each door that takes one."""

import numpy as np
import pytest

from monolith.config.bad_gradients import BadGradients
from monolith.core.choice import choice
from monolith.core.errors import ConfigError, GradientNotFinite
from monolith.core.inflate import Compression
from monolith.core.records import read_records, write_records
from monolith.data.plain import read_record_files
from monolith.ps.api import Gradients
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, TableConfig
from monolith.table.pooling import Combiner, pool
from monolith.table.retention import FilterConfig
from monolith.table.table import Table

CONFIG, FIDS, ONES = TableConfig((Segment(1),)), np.array([1]), np.ones((1, 1), np.float32)


def changed(word):
    state = LocalShard(0).state
    state.create_tables({"t": CONFIG})
    state.apply([Gradients("t", FIDS, ONES, change=word)], None)


DOORS = {
    "bad_gradients": lambda word: Table(CONFIG, bad_gradients=word),
    "bad_gradients of a shard": lambda word: LocalShard(0, bad_gradients=word),
    "change": changed,
    "combiner": lambda word: pool(ONES, [0], [0, 1], word),
    "filter_type": lambda word: FilterConfig(word),
    "compression": lambda word: write_records("/nowhere", [], word),
    "compression to read": lambda word: list(read_records("/nowhere", compression=word)),
    "records": lambda word: read_record_files("/nowhere", None, word, 1),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("word", ["maybe", "", 7])
def test_unknown_words_are_refused_by_name(door, word):
    with pytest.raises(ConfigError, match=f"{door.split()[0]}.*={word!r}: must be one of: "):
        DOORS[door](word)


def test_a_name_is_as_good_as_what_it_names(tmp_path):
    assert choice(Combiner, "mean", "combiner") is choice(Combiner, Combiner.MEAN, "") is Combiner.MEAN
    for how in (Compression.GZIP, "gzip"):
        write_records(tmp_path / str(type(how)), [b"some"], how)
    assert len({path.read_bytes()[:2] for path in tmp_path.iterdir()}) == 1
    with pytest.raises(GradientNotFinite):
        Table(CONFIG, bad_gradients=str(BadGradients.REFUSE)).apply(FIDS, np.nan * ONES)
