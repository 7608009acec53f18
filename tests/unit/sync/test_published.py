"""What upstream expects of keys that were touched, and of what is pushed after gradients."""

from __future__ import annotations

import numpy as np

from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from monolith.table.table import Table
from tests.unit.sync.job import Job, intervals
from tests.upstream import by_name


def test_gradients_arrive_at_every_target() -> None:
    told = by_name("param_sync")["push_after_gradients"]
    config = TableConfig((Segment(told["given"]["dim"], Zeros(), Sgd(learning_rate=0.1)),))

    async def story(job: Job) -> None:
        ids = np.array(told["given"]["ids"])
        job.tables["a"].apply(ids, np.full((len(ids), config.dim), -1.0))
        await intervals()
        for link in job.links:
            rows = link.receiver.rows["a"]
            np.testing.assert_allclose([rows[0], rows[1]], told["expect"]["lookup_0_1"], rtol=1e-6)

    job = Job(told["given"]["targets"])
    job.tables["a"] = Table(config)
    job.run(story)


def test_all_of_many_keys_are_told() -> None:
    told = by_name("param_sync")["hopscotch_set_all_keys"]
    job = Job()
    reader = job.tables["a"].journal().reader()
    reader.begin()
    job.learn(*range(told["given"]["capacity"]))
    chunks = reader.ahead().fids
    assert chunks is not None
    assert sum(map(len, chunks)) == told["expect"]["get_and_clear_size"]
