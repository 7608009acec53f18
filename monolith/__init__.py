"""Recommender models trained on a parameter server, where feature ids never collide."""

from monolith.config.runner import RunConfig, RunnerConfig
from monolith.core.names import Role
from monolith.discovery.base import ServiceInfo

__all__ = ["Role", "RunConfig", "RunnerConfig", "ServiceInfo"]
__version__ = "0.1.0"
