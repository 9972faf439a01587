"""`optout crawlers`: who crawls, what is known of each, and what a user agent says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from optout.cli.list_update import update
from optout.cli.terminal import safe
from optout.cli.verify import verify
from optout.errors import UsageError

if TYPE_CHECKING:
    from io import BufferedReader

    from optout.crawlers.model import Claim, Crawler


@click.group()
def crawlers() -> None:
    """Who crawls: list, show, identify, check, update, verify."""


crawlers.add_command(update)
crawlers.add_command(verify)


@crawlers.command("list")
@click.option("--purpose", metavar="PURPOSE", help="Only crawlers with this purpose, such as train or search.")
@click.option("--operator", metavar="NAME", help="Only crawlers of this operator.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def list_(purpose: str | None, operator: str | None, as_json: bool) -> None:
    """Every crawler that Optout knows, with its operator and purpose."""
    import msgspec

    found = tuple(_selected(purpose, operator))
    if as_json:
        rows = [{**_summary(each), "purposes": each.purposes, "honors_robots": each.honors_robots} for each in found]
        click.echo(msgspec.json.encode(rows).decode())
        return
    width = max((len(each.name) for each in found), default=0)
    operators = max((len(each.operator) for each in found), default=0)
    for each in found:
        click.echo(f"{each.name:{width}}  {each.operator:{operators}}  {', '.join(each.purposes)}")


@crawlers.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The whole entry as a JSON object.")
def show(name: str, as_json: bool) -> None:
    """What is known of one crawler, and from where. NAME may be a robots.txt token."""
    import msgspec

    from optout.adapters.crawler_files import registry_in_use

    registry = registry_in_use()
    crawler = registry.by_name(name)
    if crawler is None:
        near = registry.suggest(name)
        raise UsageError(
            f"no crawler is called {name!r}",
            f"Did you mean {near!r}?" if near else "`optout crawlers list` shows all names.",
        )
    click.echo(msgspec.json.encode(crawler).decode() if as_json else "\n".join(_described(crawler)))


@crawlers.command("identify")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line instead of three columns.")
def identify(as_json: bool) -> None:
    """Name the crawler of each user agent on standard input, a line each.

    Prints name, operator and purpose with tabs between; three empty columns for whoever is no known crawler.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.cli.lines import arriving
    from optout.messages import as_text

    recognize = registry_in_use().recognize
    answer: Callable[[Claim | None], bytes] = _as_object if as_json else _as_columns
    known: dict[tuple[int, str], bytes] = {}  # crawlers are few, lines are many

    def answered(line: bytes) -> bytes:
        claim = recognize(as_text(line.rstrip(b"\r")))
        key = (id(claim.crawler), claim.contradiction) if claim else (0, "")
        return known.get(key) or known.setdefault(key, answer(claim))

    with click.open_file("-", "rb") as lines, click.open_file("-", "wb") as out:
        for batch in arriving(cast("BufferedReader", lines)):
            out.write(b"".join(map(answered, batch)))
            out.flush()


@crawlers.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@click.pass_context
def check(ctx: click.Context, file: Path | None, as_json: bool) -> None:
    """Look whether every entry of the registry keeps its word; FILE has crawlers of your own.

    Without FILE it is the one that doors read, crawlers.yaml in the state directory, if it is there. An entry must have
    a source for each fact, be named by its own examples and tokens, and claim nothing that another has. Ends with 1
    if one does not.
    """
    import json

    from optout.adapters.crawler_files import checked_registry, own_crawlers
    from optout.adapters.switch import default_state_directory

    own = file or own_crawlers(default_state_directory())
    registry, count, faults = checked_registry(own, is_named=file is not None)
    facts = {"crawlers": len(registry.crawlers), "own": count, "sha256": registry.sha256, "problems": list(faults)}
    if as_json:
        click.echo(json.dumps({"file": str(own) if count else None, **facts}, ensure_ascii=True))
    else:
        where = f", {count} of them from {safe(str(own), 200)}" if count else ""
        click.echo("\n".join([*(safe(each, 500) for each in faults), f"{len(registry.crawlers)} crawlers{where}"]))
    ctx.exit(1 if faults else 0)


def _as_columns(claim: Claim | None) -> bytes:
    if claim is None:
        return b"\t\t\n"
    return f"{claim.crawler.name}\t{claim.crawler.operator}\t{claim.crawler.purpose}\n".encode()


def _as_object(claim: Claim | None) -> bytes:
    import msgspec

    found = {"name": None, "operator": None, "purpose": None} if claim is None else _summary(claim.crawler)
    return msgspec.json.encode({**found, "contradiction": claim.contradiction if claim else ""}) + b"\n"


def _summary(crawler: Crawler) -> dict[str, object]:
    return {"name": crawler.name, "operator": crawler.operator, "purpose": crawler.purpose}


def _selected(purpose: str | None, operator: str | None) -> Iterator[Crawler]:
    from optout.adapters.crawler_files import registry_in_use
    from optout.crawlers.model import Purpose

    registry = registry_in_use()
    wanted = None if purpose is None else _one_of(purpose, Purpose, "purpose")
    by = None if operator is None else _one_of(operator, registry.operators, "operator")
    for each in sorted(registry.crawlers, key=lambda crawler: crawler.name.lower()):
        if (wanted is None or wanted in each.purposes) and (by is None or each.operator == by):
            yield each


def _one_of(text: str, known: Iterable[str], what: str) -> str:
    """The known word that `text` spells, whatever the case of its letters."""
    words = {word.lower(): str(word) for word in known}
    found = words.get(text.strip().lower())
    if found is None:
        near = get_close_matches(text.strip().lower(), words, n=1)
        every = f"Known: {', '.join(words.values())}." if len(words) < 20 else "`optout crawlers list` shows all."
        remedy = f"Did you mean {words[near[0]]!r}?" if near else every
        raise UsageError(f"no crawler has the {what} {text!r}", remedy)
    return found


def _described(crawler: Crawler) -> Iterator[str]:
    """The entry as lines for a person: only what is known."""
    facts = (
        ("operator", crawler.operator),
        ("purpose", ", then ".join(crawler.purposes)),
        ("robots.txt tokens", ", then ".join(crawler.robots_tokens)),
        ("honors robots.txt", crawler.honors_robots),
        ("in user agents", ", ".join(crawler.tokens) or "never: nothing there names it"),
        ("governs requests of", crawler.governed_by),
        ("documentation", crawler.docs),
        ("can be verified by", "; ".join(_proofs(crawler)) or "nothing: a claim by this name stays a claim"),
        ("where", "also on people's own computers" if crawler.runs_locally else ""),
        ("file", crawler.file),
    )
    yield crawler.name
    if crawler.notes:
        yield f"  {crawler.notes}"
    for label, text in facts:
        if text:
            yield f"  {label}: {text}"
    for example in crawler.examples:
        yield f"  example: {example}"
    for source in crawler.sources:
        yield f"  source: {source.date} {source.text} ({', '.join(source.facts)})"


def _proofs(crawler: Crawler) -> Iterator[str]:
    if crawler.signature_agents:
        yield f"signature of {', '.join(crawler.signature_agents)}"
    if crawler.address_list:
        lists = " or ".join((crawler.address_list, *crawler.also_listed))
        yield f"address list {lists}" + (", complete" if crawler.address_list_complete else "")
    if crawler.rdns_suffixes:
        yield f"reverse DNS ending in {', '.join(crawler.rdns_suffixes)}"
