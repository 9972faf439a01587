"""From a front end's line to records: what a door would have written, marked as somebody else's observation.

    observed.by           who saw it, as `front-end nginx`: Optout itself did not
    observed.ingested_us  when Optout read it, by this machine's clock
    observed.line.sha256  SHA-256 of the line, which the front end's own log file still holds

`time_us` stays what it is everywhere, the time of the request (evidence.md part 5.1), and here that is the front
end's word and the front end's clock: `clock.src` says so, and no record claims to know how well that clock is kept.
There is no `mono_us`. What the front end concluded, the crawler and the decision, is taken as written. Operator,
purpose and standing are looked up, and where the registry has changed since, `observed.registry.sha256` names the one
that was asked. Rule: no address and no query, and no path for a fetch that a person asked for, whatever the line holds.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from functools import lru_cache

from optout.compilers.access_log import Line
from optout.crawlers.model import Claim, Purpose, SaidBy
from optout.crawlers.registry import Registry, contradiction
from optout.identity import Standing, identify
from optout.messages import parse_authority
from optout.policy.model import Action
from optout.record import Record, Value

_REMEMBERED_LENGTH = 512  # characters; the longest user agent of the registry has about 250
_CLAIM_SOURCES = {SaidBy.USER_AGENT: "ua", SaidBy.SIGNATURE_AGENT: "signature"}


def observed(line: Line, data: bytes, registry: Registry, *, tenant: str, ingested_us: int) -> Iterator[Record]:
    """The records of the request in `line`, which was read from `data`.

    `crawl.request` for each, and `crawl.outcome` where the request went on to the site. Both have ids that follow from
    the line's own: the same line makes the same records, and whoever holds one twice can tell.
    """
    common: dict[str, Value] = {
        "v": 1,
        "time_us": line.time_us,
        "tenant": tenant,
        "clock.src": "front-end",
        "observed.by": f"front-end {line.front}",
        "observed.ingested_us": ingested_us,
        "observed.line.sha256": hashlib.sha256(data).hexdigest(),
    }
    request = {
        **common,
        "type": "crawl.request",
        "id": line.id,
        **_seen(line),
        **_inferred(line, registry),
        **_decided(line),
    }
    is_refusal = _is_refusal(line)
    if is_refusal and line.status is not None:  # it is told whole by its first record (evidence.md part 5.1)
        request["http.response.status_code"] = line.status
    yield Record(public=request, private={})
    if not is_refusal:
        outcome: dict[str, Value] = {"type": "crawl.outcome", "id": outcome_id(line), "crawl.request.id": line.id}
        yield Record(public={**common, **outcome, **_ending(line)}, private={})


def ids(line: Line) -> tuple[str, ...]:
    """The ids that the records of a line have."""
    return (line.id,) if _is_refusal(line) else (line.id, outcome_id(line))


def outcome_id(line: Line) -> str:
    """The id of the record of how a request ended: a UUID that follows from the request's own (RFC 9562 5.5)."""
    return str(uuid.uuid5(uuid.UUID(line.id), "crawl.outcome"))


def _is_refusal(line: Line) -> bool:
    return line.enforced and line.action is not Action.ALLOW


def _seen(line: Line) -> dict[str, Value]:
    found: dict[str, Value] = {
        "http.request.method": line.method,
        "network.protocol.version": line.protocol,
        "url.scheme": line.scheme,
        "url.query.present": line.has_query or "?" in line.path,
        "user_agent.original": line.user_agent,
    }
    name, port = _host_and_port(line)
    found["server.address"] = name
    if port is not None:
        found["server.port"] = port
    if line.signature_agent:
        found["http.request.header.signature-agent"] = [line.signature_agent]
    return found


def _host_and_port(line: Line) -> tuple[str, int | None]:
    authority = parse_authority(line.host, line.scheme)
    if authority is None:  # what the front end took for a host of the site, as it came
        return line.host, None
    name, colon, port = authority.rpartition(":")
    return (name, int(port)) if colon and port.isdigit() else (authority, None)


def _inferred(line: Line, registry: Registry) -> dict[str, Value]:
    found: dict[str, Value] = {
        "crawl.product": line.crawler,
        "crawl.registry.sha256": line.registry,
        "identity.claimed": line.crawler,
        "identity.claim_source": "other",
        "identity.standing": Standing.UNVERIFIED.value,
        "identity.verified": "none",
    }
    if line.registry != registry.sha256:
        found["observed.registry.sha256"] = registry.sha256
    crawler = registry.by_name(line.crawler)
    if crawler is None or crawler.name != line.crawler:  # of another release: whether a person asked cannot be told
        return found
    found |= {"crawl.operator": crawler.operator, "crawl.purpose": crawler.purpose.value}
    short = len(line.user_agent) + len(line.signature_agent) <= _REMEMBERED_LENGTH
    claim = (_remembered if short else _recognize)(registry, line.user_agent, line.signature_agent)
    named = () if claim is None else claim.named
    if claim is not None and claim.crawler.name == line.crawler:
        found |= _claimed(claim)
    elif contradiction(crawler):
        found["identity.standing"] = found["identity.verified"] = Standing.CONTRADICTED.value
    if line.path and not any(Purpose.USER_FETCH in each.purposes for each in (crawler, *named)):
        found["url.path"] = line.path.partition("?")[0].partition("#")[0]
    return found


def _recognize(registry: Registry, user_agent: str, signature_agent: str) -> Claim | None:
    return registry.recognize(user_agent, signature_agent or None)


_remembered = lru_cache(maxsize=2048)(_recognize)  # a crawler sends the same words a million times


def _claimed(claim: Claim) -> dict[str, Value]:
    agent = identify(claim)
    contradicted = agent.standing is Standing.CONTRADICTED
    return {
        "crawl.purpose": agent.purpose.value,
        "crawl.named": list(dict.fromkeys(crawler.name for crawler in claim.named)),
        "identity.claimed": claim.token,
        "identity.claim_source": _CLAIM_SOURCES[claim.said_by],
        "identity.standing": agent.standing.value,
        "identity.verified": agent.standing.value if contradicted else agent.method.value,
    }


def _decided(line: Line) -> dict[str, Value]:
    found: dict[str, Value] = {
        "policy.version": "1",
        "policy.sha256": line.policy,
        "decision.action": line.action.value,
        "decision.enforced": line.enforced,
    }
    names = ("policy.clause", "decision.reason", "robots.sha256", "tdm.sha256")
    values = (line.clause, line.code, line.robots, line.tdm)
    return found | {name: value for name, value in zip(names, values, strict=True) if value}


def _ending(line: Line) -> dict[str, Value]:
    if line.status is None:
        return {"outcome.aborted": True, "http.response.body.size": line.body_bytes}
    return {"http.response.status_code": line.status, "http.response.body.size": line.body_bytes}
