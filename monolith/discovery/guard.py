"""A job's discovery, held until it is closed."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.errors import DiscoveryClosed, DiscoveryError
from monolith.discovery.named import NamedDiscovery
from monolith.discovery.selection import get_discovery, told


class MonolithDiscovery:
    """A platform, or none for a local run, that is closed once; as a context, when the block ends.

    Raises:
        DiscoveryClosed: it is asked where there is none, or no more.
        DiscoveryError: the platform's own, which says that it is one.
    """

    def __init__(self, platform: NamedDiscovery | None) -> None:
        self._platform = platform

    @classmethod
    def of(
        cls, config: RunnerConfig, psm: str | None = None, *, environ: Mapping[str, str]
    ) -> MonolithDiscovery:
        """The platform that `config` means; for Consul, `psm` is by default the `deep_insight_name`."""
        psm = config.deep_insight_name if psm is None else psm
        return cls(get_discovery(config, psm, environ=environ))

    @classmethod
    def of_run_config(
        cls,
        run_config: RunConfig,
        base: RunnerConfig | None = None,
        psm: str | None = None,
        *,
        environ: Mapping[str, str],
    ) -> MonolithDiscovery:
        """The same, for what a user asks for on top of `base`."""
        return cls.of(run_config.to_runner_config(base), psm, environ=environ)

    @property
    def discovery(self) -> NamedDiscovery | None:
        return self._platform

    @property
    def kind(self) -> str | None:
        """One of tf_config, mlp, consul, zk; None where there is none, or no more."""
        return self._platform.kind if self._platform else None

    def register(self, name: str, index: int, addr: str) -> None:
        platform = self._there()
        with told():
            platform.register(name, index, addr)

    def deregister(self, name: str, index: int, addr: str) -> None:
        platform = self._there()
        with told():
            platform.deregister(name, index, addr)

    def query(self, name: str) -> dict[int, str]:
        """The addresses by rising index."""
        platform = self._there()
        with told():
            return platform.query(name)

    def close(self) -> None:
        """Let go of the platform; nothing from the second time on, even if the first went wrong."""
        platform, self._platform = self._platform, None
        if platform:
            with told():
                platform.close()

    def _there(self) -> NamedDiscovery:
        if self._platform is None:
            raise DiscoveryClosed("No discovery backend available in local mode")
        return self._platform

    def __enter__(self) -> MonolithDiscovery:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, primary: BaseException | None, _tb: TracebackType | None
    ) -> None:
        try:
            self.close()
        except DiscoveryError as exc:
            if primary is None:
                raise
            primary.add_note(str(exc))
