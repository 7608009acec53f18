"""Questions to a Consul agent, and what a real one answered, which holds the fake to its word.

`tests/integration/discovery/test_consul_agent.py` asks a real agent again; `python -m
tests.integration.discovery.record_consul` writes what the one on the PATH answers into `recorded/`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import httpx

FOLDER = Path(__file__).with_name("recorded")
TOKEN = "3f2b6a1c-0c3e-4c5d-9a54-6f1f4c1d2e3f"  # of the agent whose ACLs deny who shows none
HELD_S = 0.3  # an answer that takes longer was held back
TTL_S = 1.0
Answer = dict[str, Any]


@attrs.frozen
class Step:
    """One question, `pause_s` seconds after the answer before; {index} is the last that was told."""

    method: str
    path: str
    body: Mapping[str, Any] | str = ""
    token: str = ""
    pause_s: float = 0.0

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


def _service(**changed: Any) -> dict[str, Any]:
    check = {"CheckID": "job:ps-0:me", "TTL": f"{TTL_S:.3f}s", "Status": "passing"}
    check["DeregisterCriticalServiceAfter"] = "3600s"
    tags = ["name:ps", "index:0", "ip:10.0.0.1"]
    meta = {"id": "ps-0", "owner": "me", "metadata-0": "{}"}
    told = {"ID": "job:ps-0", "Name": "job", "Tags": tags, "Address": "10.0.0.1", "Port": 50051}
    return {**told, "Meta": meta, "Check": check, **changed}


REGISTER = "/v1/agent/service/register"
REPLACE = f"{REGISTER}?replace-existing-checks=true"
LOOK = "/v1/health/service/job?passing=true&tag=name%3Aps"
PASS, PASS_OTHER = "/v1/agent/check/pass/job%3Aps-0%3Ame", "/v1/agent/check/pass/job%3Aps-0%3Aother"
MINE = "/v1/agent/service/job%3Aps-0"
GONE = "/v1/agent/service/deregister/job%3Aps-0"
_OTHER = {**_service()["Check"], "CheckID": "job:ps-0:other"}
_CRITICAL = {"CheckID": "late", "TTL": "60s"}

SCRIPTS: Mapping[str, Sequence[Step]] = {
    "plain": [
        Step("GET", LOOK),
        Step("GET", MINE),
        Step("PUT", REPLACE, _service()),
        Step("GET", LOOK, pause_s=0.1),
        Step("GET", "/v1/health/service/job?passing=true&tag=NAME%3APS"),
        Step("GET", "/v1/health/service/job?passing=true&tag=name%3Aps&tag=index%3A1"),
        Step("GET", MINE),
        Step("PUT", PASS),
        Step("PUT", PASS_OTHER),
        Step("GET", LOOK + "&index={index}&wait=10s"),  # until the signs of life are missed
        Step("PUT", PASS),
        Step("GET", LOOK, pause_s=0.1),
        Step("GET", LOOK + "&index={index}&wait=400ms"),  # nothing happens
        Step("PUT", REPLACE, _service(Address="::1", Port=50052, Check=_OTHER)),
        Step("GET", LOOK, pause_s=0.1),
        Step("PUT", PASS),
        Step("PUT", PASS_OTHER),
        Step("PUT", GONE),
        Step("GET", LOOK, pause_s=0.1),
        Step("PUT", GONE),
        Step("GET", MINE),
        Step("PUT", REGISTER, _service(ID="critical", Check=_CRITICAL)),
        Step("GET", LOOK, pause_s=0.1),
        Step("GET", "/v1/health/service/job?passing=true&dc=far"),
        Step("PUT", REGISTER, '{"ID":'),
        Step("PUT", REGISTER, {"Nme": "job"}),
        Step("PUT", REGISTER, {}),
        Step("PUT", REGISTER, _service(Address="0.0.0.0")),
        Step("PUT", REGISTER, _service(Meta={"long": "x" * 513})),
        Step("PUT", REGISTER, _service(Meta={"a b": "x"})),
        Step("POST", REGISTER, _service()),
        Step("GET", PASS),  # how the original gives signs of life
        Step("GET", "/v1/lookup/name?name=job"),  # and how it looks
        Step("GET", "/v1/health/service/"),
        Step("GET", "/v1/health/service/job?index=x"),
        Step("GET", "/v1/health/service/job?index=1&wait=x"),
    ],
    "acl": [
        Step("PUT", REGISTER, _service()),
        Step("GET", LOOK),
        Step("PUT", PASS),
        Step("PUT", REGISTER, _service(), TOKEN),
        Step("GET", LOOK, token=TOKEN, pause_s=0.1),
        Step("GET", LOOK),  # hidden, and nothing says so
        Step("PUT", PASS, token=TOKEN),
        Step("PUT", PASS_OTHER, token=TOKEN),
        Step("PUT", REGISTER, _service(), "wrong"),
        Step("GET", LOOK, token="wrong"),
        Step("PUT", PASS, token="wrong"),
        Step("GET", MINE, token="wrong"),
        Step("PUT", GONE, token=TOKEN),
        Step("PUT", GONE, token=TOKEN),
    ],
}


async def ask(http: httpx.AsyncClient, steps: Sequence[Step]) -> list[Answer]:
    """What is answered to each of `steps`, in turn."""
    clock, index, answers = asyncio.get_running_loop().time, "0", []
    for step in steps:
        await asyncio.sleep(step.pause_s)
        before = clock()
        headers = {"X-Consul-Token": step.token} if step.token else {}
        path = step.path.replace("{index}", index)
        said = await http.request(step.method, path, content=step.text, headers=headers, timeout=20)
        told = said.headers.get("X-Consul-Index")
        held, moved = clock() - before > HELD_S, None if told is None else told != index
        index = told or index
        answers.append({"status": said.status_code, "held": held, "moved": moved, "said": _read(said)})
    return answers


def _read(said: httpx.Response) -> Any:
    return said.json() if "json" in said.headers.get("Content-Type", "") else said.text.strip()


def meant(answers: Sequence[Answer]) -> list[Answer]:
    """Of each answer, what discovery goes by.

    Whether an index moved counts only where it must not: agents move it for reasons of their own, too.
    """
    return [
        {
            "status": one["status"],
            "held": one["held"],
            "said": _meant(one["said"]),
            "still": one["moved"] is False,
        }
        for one in answers
    ]


def _meant(said: Any) -> Any:
    if isinstance(said, list):
        return [_entry(entry) for entry in said]
    return _service_of(said) if isinstance(said, dict) else said


def _entry(entry: Mapping[str, Any]) -> Answer:
    checks = sorted((c["CheckID"], c["Status"], c["ServiceID"]) for c in entry["Checks"])
    return {"Service": _service_of(entry["Service"]), "Checks": [list(check) for check in checks]}


def _service_of(said: Mapping[str, Any]) -> Answer:
    return {key: said.get(key) or "" for key in ("ID", "Service", "Tags", "Address", "Port", "Meta")}


def recorded(script: str) -> list[Answer]:
    """What a real agent answered."""
    return [json.loads(line) for line in path_of(script).read_text().splitlines()]


def path_of(script: str) -> Path:
    return FOLDER / f"consul-1.8.7-{script}.jsonl"
