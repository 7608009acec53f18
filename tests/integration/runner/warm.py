"""What a role imports and compiles, done once in the process that the roles are forked from.

A fresh interpreter would take each of some 400 processes one to three seconds of a core. Nothing here leaves
a thread or opens a channel, so a fork of it is as good as new.
"""

import asyncio
import os

from monolith.__main__ import LIBRARIES

os.environ.update(LIBRARIES, OPENBLAS_NUM_THREADS="1")

import rich.console
import rich.table  # noqa: F401

import monolith.cli.harmed
import monolith.cli.main
import monolith.cli.roles
import monolith.discovery.choose
import monolith.ps.reference
import monolith.runner  # noqa: F401
from monolith.config.runner import RunnerConfig
from monolith.runner.serving import GrpcServer

asyncio.run(GrpcServer(RunnerConfig(), "127.0.0.1:0").prepare())
