"""What is declared and enforced today, and what each visitor that a person knows would get for a URL."""

from __future__ import annotations

from typing import Any

from optout.crawlers.registry import Registry
from optout.engine import Engine
from optout.messages import parse_authority
from optout.report.figures import number
from optout.review.asked import Asked
from optout.review.reader import Reader, fields_of
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Document, Published, known, parse_published, unknown
from optout.testing import make_request

_VISITORS = (
    *("GPTBot", "ClaudeBot", "CCBot", "Bytespider", "meta-externalagent", "Amazonbot"),
    *("OAI-SearchBot", "PerplexityBot", "Claude-SearchBot", "ChatGPT-User", "Claude-User", "Perplexity-User"),
    *("Googlebot", "bingbot", "Applebot", "facebookexternalhit", "Slackbot", "archive.org_bot"),
)
_PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"


def policy(reader: Reader, engine: Engine | None, registry: Registry, url: str, tenant: str) -> dict[str, Any]:
    """The page's dictionary. `url` is what somebody typed; "" asks nothing yet. A tenant sees his own policies."""
    question = Asked().question(tenant=tenant)
    sites = sorted({figure.key[0] for figure in reader.catalog.figures(question, ("host",))} - {""})
    told: dict[str, Any] = {
        "has_policy": engine is not None,
        "sites": sites[:200],
        "url": url,
        "fault": "",
        "rows": [],
        "declared": [],
        "policies": _policies(engine, tenant),
    }
    if not url:
        return told
    request = make_request(url, _PERSON)
    if not request.authority or parse_authority(request.authority, request.scheme) is None:
        return {**told, "fault": "that is no address of a page: write it like https://your.site/gallery/7.jpg"}
    ruling = engine.govern(request.authority) if engine is not None else None
    if tenant and (ruling.tenant if ruling is not None else "") != tenant:
        return {**told, "fault": "that is no site of yours"}
    published = _published(reader, request.authority)
    told["declared"] = [
        {"name": document.name, "state": document.state.value, "sha256": document.sha256}
        for document in (published.robots_document, published.tdmrep_document)
    ]
    if engine is not None:
        told["rows"] = [_told(engine, registry, name, url, published) for name in _VISITORS]
        told["rows"].append(_row("a person's browser", "", None))
    return told


def _policies(engine: Engine | None, tenant: str) -> list[dict[str, Any]]:
    if engine is None:
        return []
    return [
        {
            "name": policy.file,
            "mode": policy.mode.value,
            "sites": list(policy.sites),
            "default": policy.default.value,
            "on_disallow": policy.on_disallow.value,
            "on_reservation": policy.on_reservation.value,
            "clauses": [
                {
                    "id": clause.id,
                    "action": clause.action.value,
                    "mode": str(clause.mode or ""),
                    "place": str(clause.place),
                }
                for clause in policy.clauses
            ],
            "digest": policy.digest,
        }
        for policy in engine.policies.policies
        if tenant in ("", policy.tenant)
    ]


def _told(engine: Engine, registry: Registry, name: str, url: str, published: Published) -> dict[str, Any]:
    crawler = registry.by_name(name)
    agent = crawler.examples[0] if crawler is not None and crawler.examples else f"{name}/1.0"
    outcome = engine.explain(make_request(url, agent), published)
    return _row(name, crawler.operator if crawler is not None else "", outcome)


def _row(name: str, operator: str, outcome: Any) -> dict[str, Any]:
    if outcome is None or not outcome.decision.acted_upon:
        return {
            "visitor": name,
            "operator": operator,
            "answer": "passes",
            "why": "left alone: nothing is written",
            "place": "",
        }
    decision = outcome.decision
    status = outcome.response.status if outcome.response is not None else 200
    answer = f"{decision.action} ({status})" if decision.enforced else f"passes; would {decision.action}"
    place = str(decision.deciding.source) if decision.deciding.source is not None else ""
    return {"visitor": name, "operator": operator, "answer": answer, "why": decision.deciding.text, "place": place}


def _published(reader: Reader, authority: str) -> Published:
    """What the log has last seen the site publish."""
    newest: dict[str, tuple[int, str]] = {}
    for hit in reader.records(Asked().question("declaration.seen"), 2000):
        fields = fields_of(hit)
        name = str(fields.get("declaration.name", ""))
        if fields.get("server.address") == authority and name not in newest:
            newest[name] = number(fields, "time_us"), str(fields.get("declaration.sha256", ""))
    documents = [_document(reader, name, newest) for name in (ROBOTS_NAME, TDMREP_NAME)]
    return parse_published(documents[0], documents[1], authority=authority)


def _document(reader: Reader, name: str, newest: dict[str, tuple[int, str]]) -> Document:
    data = reader.document(newest[name][1]) if name in newest else None
    return known(name, data) if data is not None else unknown(name, "the log has not seen it")
