"""Write down what the Consul agent on the PATH answers.

python -m tests.integration.discovery.record_consul
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import httpx

from tests.conformance.consul_exchanges import SCRIPTS, TOKEN, Answer, Step, ask, path_of
from tests.integration.discovery.consul_agent import Agent


def asked(agent: Agent, script: str) -> list[Answer]:
    """What `agent` answers to a script."""

    async def play() -> list[Answer]:
        async with httpx.AsyncClient(base_url=agent.url, trust_env=False) as http:
            return await ask(http, SCRIPTS[script])

    return asyncio.run(play())


def token_of(script: str) -> str:
    return TOKEN if script == "acl" else ""


def _line(step: Step, answer: Answer) -> str:
    return json.dumps({"asked": f"{step.method} {step.path}", **answer}, ensure_ascii=False)


if __name__ == "__main__":
    for script, steps in SCRIPTS.items():
        with tempfile.TemporaryDirectory() as folder:
            agent = Agent(Path(folder), token=token_of(script))
            agent.start()
            answers = asked(agent, script)
            agent.kill()
        lines = [_line(step, answer) for step, answer in zip(steps, answers, strict=True)]
        path_of(script).write_text("\n".join([*lines, ""]))
