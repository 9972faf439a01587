"""`optout policy diff`: who is answered otherwise under another policy, asked of the engine for every known crawler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optout.cli.terminal import safe
from optout.cli.url_lists import listed
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.crawlers.registry import Registry
    from optout.engine import Engine, Outcome
    from optout.policy.model import PolicySet
    from optout.signals.declaration import Published

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST = 2_000  # pages: each is asked for by every known crawler, twice


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one visitor gets; `enforced` False is only observed."""

    action: str
    status: int
    enforced: bool
    why: str

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.action} ({self.status}){'' if self.enforced else ', only observed'}"

    @property
    def effect(self) -> tuple[str, int, bool]:
        """What has to differ for a change."""
        return self.action, self.status, self.enforced


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--site", default="", metavar="AUTHORITY", help="The site in question; else one of NEW's own.")
@click.option("--urls", type=_FILE, metavar="FILE", help="URLs or paths, one a line; else a page and an image.")
@click.option("--sitemap", type=_FILE, metavar="FILE", help="A sitemap (XML), whose pages are asked for.")
@click.option("--robots", type=_FILE, metavar="FILE", help="The site's robots.txt; else nothing is known of it.")
@click.option("--tdmrep", type=_FILE, metavar="FILE", help="The site's tdmrep.json.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff(
    old: str,
    new: str,
    site: str,
    urls: Path | None,
    sitemap: Path | None,
    robots: Path | None,
    tdmrep: Path | None,
    as_json: bool,
) -> None:
    """Show who is told something else under NEW than under OLD, each a policy's FILE, DIR or NAME.

    Every known crawler asks for each page, and a person does. Exit code: 0 nothing changes, 1 something does, 2 fault.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.policy_files import load_policy_set
    from optout.cli.policy_table import IMAGE, PAGE
    from optout.cli.policy_trial import publishes
    from optout.engine import Engine

    registry = registry_in_use()
    before, after = (load_policy_set(path, registry, strict=True)[0] for path in (old, new))
    authority = site or _a_site(after)
    asked = list(listed(urls, sitemap)) if urls or sitemap else [PAGE, IMAGE]
    if len(asked) > _MOST:
        raise UsageError(f"{len(asked)} pages are more than can be asked for", f"give at most {_MOST:,}")
    published = publishes(_octets(robots), _octets(tdmrep), authority)
    engines = Engine(before, registry), Engine(after, registry)
    changes = list(_changes(engines, registry, asked, authority, published))
    if as_json:
        click.echo(json.dumps({"site": authority, "asked": len(asked), "changes": changes}))
    else:
        click.echo("\n".join(_lines(changes)))
    click.get_current_context().exit(1 if changes else 0)


def _a_site(policies: PolicySet) -> str:
    from optout.cli.policy_table import example_site

    first = next(iter(policies), None)
    if first is None:
        raise UsageError("NEW has no policy", "name a policy's file")
    return example_site(first)


def _octets(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _visitors(registry: Registry) -> Iterator[tuple[str, str]]:
    """Name and user agent of a person and of every crawler that makes requests."""
    from optout.cli.policy_table import VISITORS
    from optout.crawlers.model import Purpose

    yield VISITORS[0].name, VISITORS[0].user_agent
    for crawler in registry.crawlers:
        if Purpose.CONTROL_TOKEN not in crawler.purposes and crawler.tokens:
            user_agent = crawler.examples[0] if crawler.examples else f"{crawler.tokens[0]}/1.0"
            yield f"{crawler.name} ({crawler.operator}, {crawler.purpose})", user_agent


def _changes(
    engines: tuple[Engine, Engine], registry: Registry, asked: list[str], authority: str, published: Published
) -> Iterator[dict[str, Any]]:
    """Each visitor's changed answers, alike ones together, with the first page as an example."""
    from optout.testing import make_request

    for name, user_agent in _visitors(registry):
        found: dict[tuple[object, ...], dict[str, Any]] = {}
        for url in asked:
            whole = url if "://" in url else f"https://{authority}{url if url.startswith('/') else f'/{url}'}"
            request = make_request(whole, user_agent)
            old, new = (_answer(engine.explain(request, published)) for engine in engines)
            if old.effect == new.effect:
                continue
            told = {"visitor": name, "before": old.words, "after": new.words, "why": new.why, "example": whole}
            found.setdefault((*old.effect, *new.effect), {**told, "pages": 0})["pages"] += 1
        yield from found.values()


def _answer(outcome: Outcome | None) -> _Answer:
    if outcome is None:
        return _Answer("allow", 200, enforced=True, why="it passes without a trace")
    decision = outcome.decision
    status = outcome.response.status if outcome.response is not None else 200
    return _Answer(decision.action.value, status, decision.enforced, str(decision.deciding))


def _lines(changes: list[dict[str, Any]]) -> Iterator[str]:
    for change in changes:
        pages = "1 page" if change["pages"] == 1 else f"{change['pages']} pages"
        yield f"{safe(change['visitor'], 200)}: {change['before']} -> {change['after']}"
        yield f"    {pages}, as {safe(change['example'], 200)}; {safe(change['why'], 200)}"
    yield f"{len(changes)} answers change" if changes else "nothing changes"
