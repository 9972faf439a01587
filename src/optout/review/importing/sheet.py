"""The account of an import as a report, and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator

from optout.report.figures import moment
from optout.report.language import Say, english
from optout.report.sheet import Block, Facts, Grid, Heading, Items, Sheet, Text
from optout.review.importing.account import Account, Taken

_MOST_PATHS = 25
_MOST_DAYS = 400
HEADER = (
    *("crawler", "operator", "purpose", "requests", "answered_2xx", "answered_3xx", "answered_4xx", "answered_5xx"),
    *("content_bytes", "first", "last", "read_robots", "before_reading", "disallowed", "disallowed_served"),
    *("from_operators_addresses", "from_other_addresses"),
)


def rows(account: Account) -> Iterator[tuple[object, ...]]:
    """A row for each AI crawler, in the columns of `HEADER`; times in UTC."""
    for taken in account.crawlers:
        classes = (taken.statuses[f"{number}xx"] for number in (2, 3, 4, 5))
        times = ("" if each is None else moment(each) for each in (taken.first_us, taken.last_us))
        judged = (taken.disallowed, taken.disallowed_served) if account.is_judged else ("", "")
        yield (
            taken.name,
            taken.operator,
            taken.purpose,
            taken.requests,
            *classes,
            taken.content_bytes,
            *times,
            taken.read_robots,
            taken.before_reading,
            *judged,
            taken.listed,
            taken.unlisted,
        )


def sheet(account: Account, say: Say = english, language: str = "en") -> Sheet:
    """The report."""
    foot = say("Imported from access logs; unproved")
    title = say("What AI crawlers took, by the web server's own logs")
    return Sheet(title=title, blocks=tuple(_blocks(account, say)), language=language, foot=foot)


def _blocks(account: Account, say: Say) -> Iterator[Block]:
    yield Text(
        say(
            "Imported and unproved: these figures come from the web server's own log files, which anybody with access"
            " to the server could have changed. The name of a crawler is what the visitor claimed to be; nobody checked"
            " it at the time."
        ),
        is_strong=True,
    )
    yield Facts(tuple(_head(account, say)))
    yield from _crawlers(account, say)
    yield from _judged(account, say)
    yield from _addresses(account, say)
    yield from _days(account, say)
    yield from _paths(account, say)
    yield from _others(account, say)
    yield from _custody(account, say)


def _head(account: Account, say: Say) -> Iterator[tuple[str, str]]:
    if account.first_us is not None and account.last_us is not None:
        period = say("{since} to {until}")
        yield say("Period"), period.format(since=moment(account.first_us), until=moment(account.last_us))
    crawlers = account.crawlers
    yield say("Requests of AI crawlers"), str(sum(taken.requests for taken in crawlers))
    yield say("Content bytes sent to them"), str(sum(taken.content_bytes for taken in crawlers))
    yield say("Lines read"), str(account.lines)
    yield say("Lines that name no crawler"), say("{count}, counted and not kept").format(count=account.people)
    if account.bad_lines:
        places = ", ".join(f"{bad.file}:{bad.number}" for bad in account.bad)
        told = say("{count}; the first are {places}").format(count=account.bad_lines, places=places)
        yield say("Lines that could not be read"), told


def _crawlers(account: Account, say: Say) -> Iterator[Block]:
    yield Heading(say("By crawler"))
    if not account.crawlers:
        yield Text(say("No line names an AI crawler."))
        return
    yield Grid(
        heads=(
            say("Claimed to be"),
            say("Operator named"),
            say("Purpose"),
            say("Requests"),
            say("Answered"),
            say("Content bytes sent"),
            say("robots.txt read"),
            say("Pages before reading it"),
            say("First and last"),
        ),
        rows=tuple(_crawler(taken) for taken in account.crawlers),
        numbers=frozenset({3, 5, 6, 7}),
        foreign=frozenset({0}),
        widths=(0.16, 0.11, 0.1, 0.09, 0.11, 0.12, 0.08, 0.09, 0.14),
    )
    yield Text(
        say(
            "Content bytes are those of answers in 2xx. Pages before reading: those in these logs before the crawler's"
            " first fetch of robots.txt in them; a crawler may use a copy for a day."
        )
    )


def _crawler(taken: Taken) -> tuple[str, ...]:
    answered = "\n".join(f"{count} {name}" for name, count in sorted(taken.statuses.items()))
    span = "\n".join(moment(each) for each in (taken.first_us, taken.last_us) if each is not None)
    counts = (str(taken.requests), answered, str(taken.content_bytes), str(taken.read_robots))
    return (taken.name, taken.operator, taken.purpose, *counts, str(taken.before_reading), span)


def _judged(account: Account, say: Say) -> Iterator[Block]:
    yield Heading(say("Against the robots.txt of that time"))
    if not account.is_judged:
        yield Text(say("No robots.txt was given, so nothing is judged. `--robots FILE` judges by one."))
        return
    for robots in account.robots:
        since = moment(robots.since_us) if robots.since_us else say("the beginning")
        told = say("{file}, from {since}, SHA-256 {sha256}")
        yield Text(told.format(file=robots.name, since=since, sha256=robots.sha256))
    found = [taken for taken in account.crawlers if taken.disallowed]
    if not found:
        yield Text(say("No AI crawler asked for what it forbade."))
        return
    yield Grid(
        heads=(say("Claimed to be"), say("Forbidden requests"), say("Of them answered in 2xx"), say("Lines")),
        rows=tuple(
            (
                taken.name,
                str(taken.disallowed),
                str(taken.disallowed_served),
                "\n".join(f"{line} ({count})" for line, count in taken.lines.most_common(5)),
            )
            for taken in found
        ),
        numbers=frozenset({1, 2}),
        foreign=frozenset({0}),
    )


def _addresses(account: Account, say: Say) -> Iterator[Block]:
    found = [taken for taken in account.crawlers if taken.listed or taken.unlisted]
    if not found:
        return
    yield Heading(say("Whose addresses"))
    yield Text(
        say(
            "By the lists that operators publish, as they are today. An address may have had another owner then, so"
            " this is a hint and no proof."
        )
    )
    yield Grid(
        heads=(say("Claimed to be"), say("From its operator's addresses"), say("From others")),
        rows=tuple((taken.name, str(taken.listed), str(taken.unlisted)) for taken in found),
        numbers=frozenset({1, 2}),
        foreign=frozenset({0}),
    )


def _days(account: Account, say: Say) -> Iterator[Block]:
    names = [taken.name for taken in account.crawlers[:6]]
    days = sorted({day for taken in account.crawlers for day in taken.days})
    if len(days) < 2:
        return
    yield Heading(say("By day (UTC)"))
    by_name = {taken.name: taken for taken in account.crawlers}
    yield Grid(
        heads=(say("Day"), say("All AI crawlers"), *names),
        rows=tuple(
            (
                day,
                str(sum(taken.days[day] for taken in account.crawlers)),
                *(str(by_name[name].days[day]) for name in names),
            )
            for day in days[-_MOST_DAYS:]
        ),
        numbers=frozenset(range(1, len(names) + 2)),
    )


def _paths(account: Account, say: Say) -> Iterator[Block]:
    if not any(taken.paths for taken in account.crawlers):
        return
    yield Heading(say("Most sought"))
    if not account.are_paths_whole:
        yield Text(say("There were too many different paths to count all of them; those counted are counted exactly."))
    yield Grid(
        heads=(say("Claimed to be"), say("Path"), say("Requests")),
        rows=tuple(
            (taken.name, path, str(count))
            for taken in account.crawlers
            for path, count in taken.paths.most_common(_MOST_PATHS)
        ),
        numbers=frozenset({2}),
        foreign=frozenset({0, 1}),
        widths=(0.2, 0.65, 0.15),
    )


def _others(account: Account, say: Say) -> Iterator[Block]:
    others = [taken for taken in account.taken if not taken.is_ai]
    if not others:
        return
    yield Heading(say("Other crawlers"))
    yield Text(say("Search engines, previews, feed readers and the like: counted, and left alone."))
    yield Grid(
        heads=(say("Claimed to be"), say("Operator named"), say("Purpose"), say("Requests")),
        rows=tuple((taken.name, taken.operator, taken.purpose, str(taken.requests)) for taken in others),
        numbers=frozenset({3}),
        foreign=frozenset({0}),
    )


def _custody(account: Account, say: Say) -> Iterator[Block]:
    yield Heading(say("Custody note"))
    yield Text(
        say(
            "These files were read, and not changed, on {time} with {software}. Whoever holds the same files can count"
            " again; the hashes show that they are the same."
        ).format(time=moment(account.made_us), software=account.software)
    )
    yield Grid(
        heads=(say("File"), say("Bytes"), say("Lines"), "SHA-256", say("Note")),
        rows=tuple((file.name, str(file.size), str(file.lines), file.sha256, file.why) for file in account.files),
        numbers=frozenset({1, 2}),
        widths=(0.24, 0.13, 0.11, 0.37, 0.15),
    )
    yield Text(say("What it does not show:"))
    yield Items(
        (
            say("that the files are complete and were not changed before: no signature of that time exists;"),
            say("who really sent a request: a user agent is a claim;"),
            say("what was declared at the time, beyond the robots.txt that was given here;"),
            say("that a page was used for training."),
        )
    )
    yield Text(say("From today on, Optout keeps a log that answers the first two: `optout init`."))
