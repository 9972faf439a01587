"""The lines that decided, quoted from the versions that were in force: each file is kept in the log by its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optout.report.figures import Rule
from optout.report.language import Say, english
from optout.report.sheet import Block, Heading, Quote, Text

_MOST_RULES = 20
_AROUND = 2  # lines before and after the one that decided


def rules(found: tuple[tuple[Rule, int], ...], documents: Mapping[str, bytes], say: Say = english) -> Iterator[Block]:
    """Each rule with how often it decided; `documents` by SHA-256 (hex)."""
    named = [(rule, count) for rule, count in found if rule.line and rule.name]
    if not named:
        return
    yield Heading(say("The rules that decided"))
    for rule, count in named[:_MOST_RULES]:
        yield Text(
            say("{file}, line {line}: decided {count} times ({code}).").format(
                file=rule.name, line=rule.line, count=count, code=rule.code
            ),
            is_strong=True,
        )
        data = documents.get(rule.sha256)
        if data is None:
            yield Text(say("Its text is not in the log. SHA-256: {sha256}").format(sha256=rule.sha256 or "-"))
            continue
        yield around(data, rule.line)
        yield Text(say("From the version with SHA-256 {sha256}.").format(sha256=rule.sha256))
    if len(named) > _MOST_RULES:
        yield Text(say("{count} more are in the records.").format(count=len(named) - _MOST_RULES))


def around(data: bytes, line: int) -> Quote:
    """A line of a document with those around it."""
    lines = data.decode("utf-8", "replace").splitlines()
    first = max(1, line - _AROUND)
    return Quote(lines=tuple(lines[first - 1 : line + _AROUND]), first=first, marked=line)
