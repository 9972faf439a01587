"""One decision table, every door, real sockets: the same status, fields and record as the engine gives by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from optout.engine import Outcome
from optout.targets import is_malformed
from tests.doors.all_doors import DOORS
from tests.judge import ask, engine, leaves, publishes, user_agent
from tests.served import ask as send

CASES = sorted((Path(__file__).parent.parent / "cases" / "decide").glob("*.yaml"))
OF_THE_MOMENT = {"id", "time_us", "mono_us", "decision.us", "network.protocol.version", "v"}
TELLING = ("content-type", "content-length", "cache-control", "vary", "link", "www-authenticate", "retry-after")
DECLARING = ("tdm-reservation", "tdm-policy")


def recorded(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.record is not None


def without_moment(record: dict[str, object]) -> dict[str, object]:
    return {
        key: value
        for key, value in record.items()
        if key not in OF_THE_MOMENT
        and not key.startswith(("writer.", "clock.", "private.", "peer.", "notice.", "observed."))
    }


@pytest.mark.parametrize("file", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", DOORS)
async def test_every_door_tells_and_records_what_the_engine_says(name: str, file: Path, quiet_place: Path) -> None:
    document = yaml.safe_load(file.read_text())
    if name.startswith("forward-auth"):  # nginx and Caddy answer these by themselves (`differences`)
        document["cases"] = [case for case in document["cases"] if not is_malformed(case["path"])]
    judge = engine(document["policy"])
    published = publishes(document.get("robots"), document.get("tdmrep"))
    expected = [
        ask(judge, published, case["agent"], case["path"], method=case.get("method", "GET"), scheme="http")
        for case in document["cases"]
    ]
    async with DOORS[name](document, quiet_place) as port:
        answers = []
        for case in document["cases"]:
            method = case.get("method", "GET")
            more = "Content-Length: 0\r\n" if method == "POST" else ""
            answers.append(await send(port, case["path"], user_agent(case["agent"]), method=method, more=more))
    requests = [leaf for leaf in leaves(quiet_place / "evidence") if leaf["type"] == "crawl.request"]
    for case, outcome, answer in zip(document["cases"], expected, answers, strict=True):
        response = outcome.response if outcome is not None else None
        assert answer.status == (response.status if response else 200), case
        if response is not None:
            for field in (*TELLING, *DECLARING):
                if field != "content-length":
                    assert tuple(answer.all(field)) == response.fields.all(field), (case, field)
            assert answer.all("content-length") == [str(len(answer.body))]
    found = [without_moment(record) for record in requests]
    told = [without_moment(dict(outcome.record.public)) for outcome in expected if outcome and outcome.record]
    assert found == told
    assert len(found) == sum(map(recorded, expected))
