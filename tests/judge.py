"""Shared by tests of judgement: an engine from policy text, and what a site publishes from document text."""

from __future__ import annotations

import json
from pathlib import Path

from optout.crawlers.registry import bundled_registry
from optout.engine import Engine, Outcome
from optout.evidence.directory import Layout
from optout.evidence.segments import Entry, read_entries
from optout.messages import Fields
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Published, absent, known, parse_published, unknown
from optout.testing import make_request

SITE = "site.example"
SPELLINGS = {
    "GPTBot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.9; +https://openai.com/gptbot",
    "Googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}


def engine(policy: str, *, observe_only: bool = False) -> Engine:
    """An engine under one policy, called policy.yaml."""
    registry = bundled_registry()
    loaded = load_policy(policy.encode(), "policy.yaml", registry)
    return Engine(policy_set([loaded]), registry, observe_only=observe_only)


def publishes(robots: str | None = None, tdmrep: str | None = None, *, is_known: bool = True) -> Published:
    """What a site publishes; a document that is None is absent, or unknown where `is_known` is False."""

    def document(name: str, text: str | None):  # type: ignore[no-untyped-def]
        if text is not None:
            return known(name, text.encode())
        return absent(name) if is_known else unknown(name, "not asked")

    return parse_published(document(ROBOTS_NAME, robots), document(TDMREP_NAME, tdmrep), authority=SITE)


def user_agent(names: str) -> str:
    """The user agent of one or several crawlers, each in a spelling of its own."""
    return " ".join(SPELLINGS.get(name, f"{name}/1.0") for name in names.split())


def ask(
    judge: Engine,
    published: Published,
    agent: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    scheme: str = "https",
) -> Outcome | None:
    """The outcome of one request for a path of the site."""
    request = make_request(f"{scheme}://{SITE}{path}", user_agent(agent), method=method, headers=headers)
    return judge.explain(request, published)


def declare(judge: Engine, target: str, published: Published) -> Fields:
    """The declaring fields of one page of the site."""
    policy = judge.policies.find(SITE)
    assert policy is not None
    return judge.declare(policy=policy, authority=SITE, target=target, published=published)


def leaves(directory: Path) -> list[dict[str, object]]:
    """Every whole record of the log in a directory."""
    entries = read_entries(Layout(directory).segments)
    return [json.loads(entry.record) for entry in entries if isinstance(entry, Entry)]
