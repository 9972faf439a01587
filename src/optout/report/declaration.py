"""The declaration certificate: which reservation a site published, in which forms, since when, who fetched it.

Two sheets for somebody who knows nothing of the system, useful also where no crawler ever came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optout.report.account import Account
from optout.report.figures import moment, number
from optout.report.history import Fetch, History, Version
from optout.report.language import Say, english
from optout.report.sheet import Block, Facts, Grid, Heading, Items, Quote, Sheet, Signature, Text
from optout.report.visits import ALARMS

_MOST_SHOWN = 4000  # characters of a document on the page; all of it is in the log under its hash
_MOST_FETCHERS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What a certificate is made of. `work` is a path; `says` are sentences by the SHA-256 of a document."""

    account: Account
    history: History
    work: str
    documents: Mapping[str, bytes]
    says: Mapping[str, tuple[str, ...]]


def sheet(certified: Certified, say: Say = english, language: str = "en") -> Sheet:
    """The certificate."""
    title = say("What {site} declared about the use of its content by machines").format(site=certified.history.site)
    blocks = tuple(_blocks(certified, say))
    return Sheet(title=title, blocks=blocks, language=language, foot=certified.account.seen_line)


def _blocks(certified: Certified, say: Say) -> Iterator[Block]:
    account, history = certified.account, certified.history
    since = _time(account.since_us, say("the beginning of the log"))
    until = _time(account.until_us, say("now"))
    yield Text(
        say("Period: {since} to {until}. Page in question: {work}").format(
            since=since, until=until, work=certified.work
        )
    )
    yield Text(say(account.rests_on))
    for name, versions in history.versions.items():
        yield from _document(name, _within(versions, account), certified, say)
    if not history.versions:
        yield Text(say("The log does not tell of anything that this site published in this period."))
    yield from _gaps(certified, say)
    yield from _fetches(certified, say)
    yield from _foot(account, say)
    yield from _appendix(certified, say)


def _within(versions: tuple[Version, ...], account: Account) -> list[Version]:
    """The versions that were in force within the period."""
    since, until = account.since_us or 0, account.until_us
    found = []
    for place, version in enumerate(versions):
        following = versions[place + 1].first_us if place + 1 < len(versions) else None
        if (following is None or following > since) and (until is None or version.first_us < until):
            found.append(version)
    return found


def _document(name: str, versions: list[Version], certified: Certified, say: Say) -> Iterator[Block]:
    known = {
        "robots.txt": say("robots.txt, which programs read before they fetch a page (RFC 9309)"),
        "tdmrep.json": say("tdmrep.json, in which rights to text and data mining are reserved (TDMRep)"),
    }
    path = name.removeprefix("RSL ")
    license_document = say("{path}, under which terms the content can be had (RSL)").format(path=path)
    yield Heading(known.get(name, license_document if path != name else name))
    if not versions:
        yield Text(say("Nothing is known of it in this period."))
        return
    yield Text(say("Versions in this period: {count}").format(count=len(versions)))
    for version in versions:
        yield Text(_standing(version, say), is_strong=True)
        if version.sha256:
            yield Items(certified.says.get(version.sha256, (say("Its bytes are not in the log."),)))
            size = len(certified.documents.get(version.sha256, b""))
            yield Facts((("SHA-256", version.sha256), (say("Bytes"), say("{size}; printed below").format(size=size))))
        if version.holes:
            told = "; ".join(f"{moment(start)} - {moment(end)}" for start, end in version.holes)
            yield Text(
                say("Not looked at for more than a day: {times}. It was the same before and after.").format(times=told)
            )
        else:
            yield Text(say("Looked at without interruption: never more than a day and a quarter apart."))


def _standing(version: Version, say: Say) -> str:
    there = say(
        "This version was there from {first} to {last} at least (records {first_record} and {last_record} of the log)."
    )
    absent = say(
        "There was no such file from {first} to {last} at least (records {first_record} and {last_record} of the log)."
    )
    return (there if version.sha256 else absent).format(
        first=moment(version.first_us),
        last=moment(version.last_us),
        first_record=version.first_index,
        last_record=version.last_index,
    )


def _gaps(certified: Certified, say: Say) -> Iterator[Block]:
    since, until = certified.account.since_us or 0, certified.account.until_us
    gaps = [
        gap
        for gap in certified.history.gaps
        if number(gap, "to_us") >= since and (until is None or number(gap, "from_us") < until)
    ]
    yield Heading(say("Times of which the log itself says that something is missing"))
    if not gaps:
        yield Text(say("None in this period."))
        return
    yield Grid(
        heads=(say("From"), say("To"), say("Reason")),
        rows=tuple(
            (moment(number(gap, "from_us")), moment(number(gap, "to_us")), str(gap.get("reason", ""))) for gap in gaps
        ),
    )


def _fetches(certified: Certified, say: Say) -> Iterator[Block]:
    since, until = certified.account.since_us or 0, certified.account.until_us
    fetches = [
        each for each in certified.history.fetches if each.time_us >= since and (until is None or each.time_us < until)
    ]
    yield Heading(say("Who fetched it"))
    if not fetches:
        yield Text(say("No AI crawler fetched it in this period. The declaration stands without that."))
        return
    yield Text(say("By the name that each visitor claimed. How far that was checked stands beside it."))
    rows: dict[tuple[str, str, str], list[Fetch]] = {}
    for fetch in fetches:
        key = (str(fetch.fields.get("crawl.product", "")), str(fetch.fields.get("identity.standing", "")), fetch.name)
        rows.setdefault(key, []).append(fetch)
    shown = sorted(rows.items(), key=lambda row: -len(row[1]))[:_MOST_FETCHERS]
    yield Grid(
        heads=(say("Claimed to be"), say("Standing"), say("File"), say("Times"), say("First"), say("Last")),
        rows=tuple((*key, _times(found, say), _place(found[0], say), _place(found[-1], say)) for key, found in shown),
        foreign=frozenset({0}),
        widths=(0.18, 0.13, 0.12, 0.25, 0.16, 0.16),
        alarms=ALARMS,
    )


def _times(found: list[Fetch], say: Say) -> str:
    versions = Counter(fetch.sha256[:8] for fetch in found if fetch.sha256)
    told = ", ".join(f"{count} x {version}…" for version, count in sorted(versions.items()))
    return "\n".join(part for part in (str(len(found)), told, _as_served(found, say)) if part)


def _as_served(found: list[Fetch], say: Say) -> str:
    """Whether what went out was what the site published, as far as the door saw it."""
    seen = [fetch for fetch in found if fetch.served]
    other = sum(fetch.served != fetch.sha256 for fetch in seen)
    if not seen:
        return ""
    if other:
        return say("{other} of {count} got other bytes").format(other=other, count=len(seen))
    return say("{count} got exactly these bytes").format(count=len(seen))


def _place(fetch: Fetch, say: Say) -> str:
    return say("{time}, record {record}").format(time=moment(fetch.time_us), record=fetch.index)


def _foot(account: Account, say: Say) -> Iterator[Block]:
    yield Heading(say("Where this comes from"))
    yield Text(
        say(
            "From a log in which each entry is sealed by a hash tree (RFC 6962) and the whole by a signature. Changing"
            " an entry afterwards would show. The log looks at the site by itself, at every change and once a day. It"
            " shows what the site answered to it; it does not prove that every visitor got the same answer."
        )
    )
    made = say("{time} by {who}, with {software}")
    yield Facts(
        (
            (say("Log, size, root"), account.seen_line),
            (say("Key"), account.vkey),
            (
                say("Made"),
                made.format(time=moment(account.made_us), who=account.made_by, software=account.software),
            ),
        )
    )
    yield Text(say("I have read this and it is true to the best of my knowledge."))
    yield Signature((say("Name, position"), say("Place, date"), say("Signature")))


def _appendix(certified: Certified, say: Say) -> Iterator[Block]:
    shown: set[str] = set()
    for name, versions in certified.history.versions.items():
        for version in _within(versions, certified.account):
            data = certified.documents.get(version.sha256)
            if data is None or version.sha256 in shown:
                continue
            shown.add(version.sha256)
            text = data.decode("utf-8", "replace")
            yield Heading(f"{name}, SHA-256 {version.sha256}")
            yield Quote(lines=tuple(text[:_MOST_SHOWN].splitlines()))
            if len(text) > _MOST_SHOWN:
                yield Text(say("The first {count} characters; all of it is in the log.").format(count=_MOST_SHOWN))


def _time(time_us: int | None, otherwise: str) -> str:
    return otherwise if time_us is None else moment(time_us)
