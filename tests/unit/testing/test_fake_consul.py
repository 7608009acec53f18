"""The fake agent answers as a real one did, question by question."""

import httpx
import pytest

from monolith.testing import virtual_time
from monolith.testing.fake_consul import FakeConsul
from monolith.testing.http_server import Wire
from tests.conformance.consul_exchanges import SCRIPTS, TOKEN, ask, meant, recorded


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_answers_as_recorded(script):
    async def play():
        agent = FakeConsul(token=TOKEN if script == "acl" else None)
        async with httpx.AsyncClient(transport=Wire(agent), base_url="http://consul") as http:
            return await ask(http, SCRIPTS[script])

    answers, _ = virtual_time.run(play())
    for step, answer, real in zip(SCRIPTS[script], meant(answers), meant(recorded(script)), strict=True):
        assert answer == real, step
