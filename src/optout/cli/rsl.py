"""`optout rsl`: what a license document says of a URL, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from optout.cli.findings import lint_options_alone, run_lint

if TYPE_CHECKING:
    from optout.signals.rsl_model import Rsl, RslContent

_USES = ("train", "input", "index", "search", "mine")


@click.group()
def rsl() -> None:
    """RSL: explain and lint a license document."""


@rsl.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("url")
@click.option("--usage", type=click.Choice(_USES), help="Tell of one use alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(file: str, url: str, usage: str | None, as_json: bool) -> None:
    """Show which content of FILE (- is standard input) counts for URL, which may be a path, and what it says.

    FILE is an RSL document, or a feed with some in its items. What is permitted for payment, with a token or to some
    alone is disallowed to whoever holds no license. Exit code: 0 nothing is disallowed, 1 something is, 2 fault.
    """
    from optout.signals.rsl import parse_rsl

    with click.open_file(file, "rb") as stream:
        document = parse_rsl(stream.read())
    told = _told(document, url, usage)
    name = "license.xml" if file == "-" else file
    click.echo(json.dumps(told) if as_json else "\n".join(_picture(told, name)))
    sys.exit(1 if any(use["preference"] == "disallowed" for use in told["uses"].values()) else 0)


def _told(document: Rsl, url: str, usage: str | None) -> dict[str, Any]:
    """The public fields of `--json`."""
    from optout.messages import parse_authority, parse_target
    from optout.robots.model import normalize_path
    from optout.signals.preference import combine
    from optout.signals.rsl_uses import RslMatcher

    target, named = parse_target(url)
    authority = parse_authority(named, url.partition(":")[0].lower()) or "" if named else ""
    matcher, path = RslMatcher(document), normalize_path(target)
    contents = matcher.match(target, authority)
    standing = {said.usage.value: said for said in combine(matcher.statements(target, authority, ""))}
    uses = {}
    for use in _USES if usage is None else (usage,):
        said = standing.get(use)
        uses[use] = {
            "preference": said.preference.value if said is not None else "unknown",
            "line": said.line if said is not None else 0,
            "text": said.text if said is not None else "",
        }
    return {
        "path": path.decode("ascii"),
        "uses": uses,
        "contents": [_content(content) for content in contents],
        "others": [
            {"line": each.line, "url": each.url}
            for each in document.contents
            if each not in contents and each.pattern.matches(path)
        ],
        "max_age": document.max_age,
        "sound": document.is_sound,
        "faults": [{"line": fault.line, "code": fault.code.value, "text": fault.text} for fault in document.faults],
    }


def _content(content: RslContent) -> dict[str, Any]:
    from optout.signals.rsl_uses import demands, limits

    return {
        "line": content.line,
        "url": content.url,
        "server": content.server,
        "encrypted": content.is_encrypted,
        "lastmod": content.lastmod,
        "terms": content.terms,
        "copyright": content.copyright.text if content.copyright is not None else "",
        "licenses": [
            {
                "line": each.line,
                "permits": {tokens.type: list(tokens.tokens) for tokens in each.permits},
                "prohibits": {tokens.type: list(tokens.tokens) for tokens in each.prohibits},
                "conditions": [*demands(each, content), *limits(each)],
                "price": " ".join(filter(None, (each.payment.amount, each.payment.currency))) if each.payment else "",
                "terms": [*each.payment.standard, *each.payment.custom] if each.payment else [],
            }
            for each in content.licenses
        ],
    }


def _picture(told: dict[str, Any], name: str) -> Iterator[str]:
    from optout.cli.terminal import safe

    name = safe(name)
    yield safe(told["path"])
    for use, said in told["uses"].items():
        why = f"  {name}:{said['line']}  {safe(said['text'], 200)}" if said["line"] else "  nothing is said"
        yield f"  {use:<8} {said['preference']:<10}{why}"
    for content in told["contents"]:
        yield f"  counts   {name}:{content['line']}  {safe(content['url']) or 'this page'}  (the most specific)"
        for each in content["licenses"]:
            words = [*each["conditions"], *filter(None, [each["price"]])] or ["free, without conditions"]
            yield f"  license  {name}:{each['line']}  {safe('; '.join(words), 200)}"
            yield from (f"  at       {safe(url)}" for url in each["terms"] if url)
        for word in ("server", "terms", "copyright"):
            if content[word]:
                yield f"  {word if word != 'copyright' else 'rights':<8} {safe(content[word])}"
    if not told["contents"]:
        yield "  because  no content is about it; silence is neither permission nor prohibition"
    for each in told["others"]:
        yield f"  not      {name}:{each['line']}  {safe(each['url'])}"
    if told["faults"]:
        doubt = "" if told["sound"] else ", so nothing that it permits counts"
        yield f"  faults   {len(told['faults'])} in the file{doubt}; `optout rsl lint` tells them"


@rsl.command()
@lint_options_alone
def lint(files: tuple[str, ...], form: str, as_json: bool) -> None:
    """Find mistakes in FILE..., each an RSL document or a feed (- is standard input).

    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault.
    """
    from optout.lint.runner import lint_rsl

    run_lint(files, "license.xml", "json" if as_json else form, lint_rsl, None)
