"""The demo's work: send every visit through every door, read the logs back, compare."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import msgspec
from yarl import URL

from optout.cli.demo.doors import Door, open_doors
from optout.cli.demo.site import AUTHORITY, POLICY_YAML
from optout.cli.demo.visitors import VISITS, Visit
from optout.evidence.audit import AuditReport, Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.segments import Entry, read_entries

# What must differ between doors: which moment, which connection, which writer.
_OF_THE_MOMENT = frozenset(
    {"id", "time_us", "mono_us", "decision.us", "outcome.us", "crawl.request.id", "network.protocol.version"}
)
# Fields of a response that carry the decision; the others are the origin's or the server's.
_LOOKS = 200
_LOOK_EVERY_S = 0.05
_TELLING = ("content-type", "content-length", "cache-control", "vary", "link", "tdm-reservation", "tdm-policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one door told one visitor: status and telling fields, and the record it kept, if any."""

    status: int
    fields: tuple[tuple[str, str], ...]
    reason: str = ""
    record: dict[str, object] | None = None


@dataclass(slots=True, kw_only=True)
class Row:
    """One visit, and what each door told, in the order of the doors."""

    visit: Visit
    told: list[Told] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        """Whether all doors told and recorded the same."""
        return all(told == self.told[0] for told in self.told)

    @property
    def expected(self) -> bool:
        """Whether every door told and recorded what was to be expected."""
        return all(told.status == self.visit.status and _reason(told) == self.visit.reason for told in self.told) and (
            self.source == self.visit.source
        )

    @property
    def source(self) -> str:
        """The line that decided, as the first door recorded it; "" for none."""
        record = self.told[0].record
        last = _reasons(record)[-1] if record else ""
        return last.partition(" ")[2]

    @property
    def text(self) -> str:
        """The deciding line in words, as a refusal told it; "" where the page was handed out."""
        return next((told.reason for told in self.told if told.reason), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One door's log: how many records of each type, how many nobody should have caused, what the audit says."""

    door: Door
    types: Counter[str]
    unexpected: int
    report: AuditReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that the demo found out."""

    doors: tuple[Door, ...]
    rows: tuple[Row, ...]
    logs: tuple[Log, ...]

    @property
    def ok(self) -> bool:
        """Whether every door did what was expected, alike, and every log is sound."""
        rows = all(row.agree and row.expected for row in self.rows)
        return rows and all(log.report.verdict is Verdict.SOUND and not log.unexpected for log in self.logs)


def _reasons(record: dict[str, object]) -> list[str]:
    found = record.get("decision.reasons", [])
    return [str(reason) for reason in found] if isinstance(found, list) else []


def _reason(told: Told) -> str:
    return str(told.record["decision.reason"]) if told.record else ""


async def run(directory: Path) -> Result:
    """Open the doors, let everybody come, close the doors, read the logs."""
    policy = directory / "policy.yaml"
    policy.write_text(POLICY_YAML, encoding="utf-8")
    rows = tuple(Row(visit=visit) for visit in VISITS)
    answers: list[list[Told]] = []
    async with open_doors(directory, policy) as doors:
        for door in doors:
            await _until_declaring(door)
            answers.append([await _visit(door, row.visit) for row in rows])
    logs = []
    for door, told in zip(doors, answers, strict=True):
        leaves = await asyncio.to_thread(_records, door.evidence)
        requests = iter([_without_moment(leaf) for leaf in leaves if leaf["type"] == "crawl.request"])
        for row, answer in zip(rows, told, strict=True):
            record = next(requests, None) if row.visit.reason else None
            row.told.append(replace(answer, record=record))
        logs.append(
            Log(
                door=door,
                types=Counter(str(leaf["type"]) for leaf in leaves),
                unexpected=len(list(requests)),
                report=await asyncio.to_thread(audit, door.evidence),
            )
        )
    return Result(doors=doors, rows=rows, logs=tuple(logs))


async def _until_declaring(door: Door) -> None:
    """Come as a person until the door declares what the site published.

    It asks for that at the first visit, and never lets a person wait for the answer.
    """
    first = VISITS[0]
    for _ in range(_LOOKS):
        if "tdm-reservation" in dict((await _visit(door, first)).fields):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


async def _visit(door: Door, visit: Visit) -> Told:
    """One request, on a connection of its own, as it would come to the site by its name."""
    headers = {"Host": AUTHORITY, "User-Agent": visit.user_agent, "Accept": "*/*"}
    url = URL(f"http://127.0.0.1:{door.port}{visit.path}", encoded=True)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(visit.method, url, headers=headers, allow_redirects=False) as response,
    ):
        body = await response.read()
        fields = tuple(
            (name, value) for name in _TELLING if (value := ", ".join(response.headers.getall(name, []))) != ""
        )
        return Told(status=response.status, fields=fields, reason=_told_reason(response.content_type, body))


def _told_reason(content_type: str, body: bytes) -> str:
    if content_type != "application/problem+json" or not body:  # HEAD has none
        return ""
    return str(msgspec.json.decode(body, type=dict[str, object]).get("reason", ""))


def _records(directory: Path) -> list[dict[str, object]]:
    entries = read_entries(Layout(directory).segments)
    return [msgspec.json.decode(each.record, type=dict[str, object]) for each in entries if isinstance(each, Entry)]


def _without_moment(record: dict[str, object]) -> dict[str, object]:
    return {
        key: value
        for key, value in record.items()
        if key not in _OF_THE_MOMENT and not key.startswith(("writer.", "clock.", "private.", "peer.", "notice."))
    }
