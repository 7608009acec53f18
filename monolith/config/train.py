"""What `monolith train` can be told: all that one process of a job can, and how many processes there are."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from monolith.config.checks import port
from monolith.config.following import Following
from monolith.config.job import RoleSettings
from monolith.config.settings import Problem, setting
from monolith.config.stream import StreamConfig
from monolith.config.training import TrainingConfig
from monolith.core.names import Role

MOST_HERE = 256  # processes of a kind: more are a slip of the hand, and would take the machine's memory


@attrs.frozen(kw_only=True)
class TrainSettings(RoleSettings):
    """A training job: one process with the tables inside, a cluster here, or one process of many."""

    # fmt: off
    distributed: bool = setting(False, "Be one process of a job, in the --role.", group="cluster")
    role: Role = setting(Role.WORKER, "What this process does in a job: ps or worker.", group="cluster")
    # fmt: on

    def rules(self) -> Iterator[Problem]:
        if not self.distributed and self.data is None:
            yield Problem(("data",), "must be given")
        elif self.model_dir is None and self.distributed:
            yield Problem(("model_dir",), "must be given")
        if self.distributed:
            yield from super().rules()
        else:
            yield from self._rules_of_one_machine()
            yield from Following.rules(self)
            yield from TrainingConfig.rules(self)
            yield from StreamConfig.rules(self)

    def _rules_of_one_machine(self) -> Iterator[Problem]:
        for count in ("num_ps", "num_workers"):
            if getattr(self, count) > MOST_HERE:
                yield Problem((count,), f"must be <= {MOST_HERE} where all processes run on one machine")
        last = self.metrics_port and self.metrics_port + self.num_ps - 1
        if last and (said := port(last)):
            yield Problem(("metrics_port", "num_ps"), f"the last server's {said}, and not {last}")

    @property
    def one_process(self) -> bool:
        """Whether nobody asked for processes by counting them."""
        return not (self.has_chosen("num_ps") or self.has_chosen("num_workers"))
