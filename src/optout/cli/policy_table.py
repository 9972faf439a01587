"""What a policy means for the visitors that a person knows, computed by the engine itself.

    visitor, page, image, what it is told, how sure that is, what Optout cannot do

The table answers what owners ask first: do I vanish from Google, from ChatGPT search, will my link previews break?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optout.crawlers.model import AI_PURPOSES, Crawler, Honors, Purpose
from optout.policy.model import REFUSALS, Action, Mode, Policy

if TYPE_CHECKING:
    from optout.crawlers.registry import Registry
    from optout.engine import Outcome

Answer = Callable[[str, str], "Outcome | None"]
"""What the engine says to a user agent that asks for a path; None: it passes without a trace."""

PAGE = "/about"
IMAGE = "/images/photo.jpg"
COLUMNS = ("Visitor", "Page", "Image", "What it is told", "How sure", "What Optout cannot do")

_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody whom a site owner knows by name.

    `crawler` is the registry's name, "" for who is not in it; then `user_agent` says what is sent. `cannot` is what
    no door can do about this visitor, in words that stay true under every policy.
    """

    name: str
    crawler: str = ""
    user_agent: str = ""
    cannot: str = ""


VISITORS = (
    Visitor(name="A person with a browser", user_agent=_BROWSER),
    Visitor(
        name="Google search",
        crawler="Googlebot",
        cannot="Keep AI Overviews apart from search: Google makes them of the same pages. "
        "`nosnippet` in a page limits them.",
    ),
    Visitor(
        name="Google Gemini training",
        crawler="Google-Extended",
        cannot="Meet it: no request carries this name. Googlebot fetches, and robots.txt alone says no.",
    ),
    Visitor(
        name="Bing search, Copilot",
        crawler="bingbot",
        cannot="Keep Copilot apart from search: `noarchive` in a page does.",
    ),
    Visitor(
        name="Apple search, Siri",
        crawler="Applebot",
        cannot="Keep Apple's training apart from search: robots.txt does (Applebot-Extended).",
    ),
    Visitor(name="ChatGPT training", crawler="GPTBot", cannot="Take back what was copied before."),
    Visitor(name="ChatGPT search", crawler="OAI-SearchBot"),
    Visitor(
        name="ChatGPT, asked to open a page",
        crawler="ChatGPT-User",
        cannot="Know the ChatGPT agent, which comes as a browser.",
    ),
    Visitor(name="Claude training", crawler="ClaudeBot", cannot="Take back what was copied before."),
    Visitor(name="Claude, asked to open a page", crawler="Claude-User"),
    Visitor(
        name="Perplexity search",
        crawler="PerplexityBot",
        cannot="Stop fetches without the name, which were reported in 2025 and are disputed.",
    ),
    Visitor(name="Meta AI training", crawler="meta-externalagent", cannot="Take back what was copied before."),
    Visitor(
        name="Common Crawl",
        crawler="CCBot",
        cannot="Take back what is in its archive, from which many models are trained.",
    ),
    Visitor(name="Facebook link preview", crawler="facebookexternalhit"),
    Visitor(name="WhatsApp link preview", user_agent="WhatsApp/2.24.13.77 A"),
    Visitor(name="Slack link preview", crawler="Slackbot"),
    Visitor(name="A feed reader", crawler="Feedly"),
    Visitor(
        name="Internet Archive",
        crawler="archive.org_bot",
        cannot="Rule what others do with the archived copy.",
    ),
    Visitor(
        name="A crawler that calls itself a browser",
        user_agent=_BROWSER,
        cannot="Tell it from a person. Only a bot wall tries, and it stops some people.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table, in words. `passes` says whether the visitor gets both page and image."""

    visitor: str
    page: str
    image: str
    told: str
    sure: str
    cannot: str
    passes: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells, in the order of `COLUMNS`."""
        return (self.visitor, self.page, self.image, self.told, self.sure, self.cannot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The table of one policy and the three answers that stand above it."""

    policy: Policy
    questions: Mapping[str, str]
    rows: tuple[Row, ...]


def table(policy: Policy, registry: Registry, answer: Answer) -> Table:
    """The table of one policy, as `answer` decides for a site of its own."""
    rows = tuple(_row(visitor, registry, answer) for visitor in VISITORS)
    return Table(policy=policy, questions=_questions(rows), rows=rows)


def example_site(policy: Policy) -> str:
    """An authority that the policy governs."""
    first = policy.sites[0]
    return "site.example" if first == "*" else first.replace("*", "www", 1)


def _row(visitor: Visitor, registry: Registry, answer: Answer) -> Row:
    crawler = registry.by_name(visitor.crawler) if visitor.crawler else None
    if crawler is not None and crawler.purpose is Purpose.CONTROL_TOKEN:
        return _control_token(visitor, crawler)
    user_agent = visitor.user_agent
    if crawler is not None:
        user_agent = crawler.examples[0] if crawler.examples else f"{crawler.name}/1.0"
    page, image = answer(user_agent, PAGE), answer(user_agent, IMAGE)
    return Row(
        visitor=f"{visitor.name} ({crawler.name})" if crawler else visitor.name,
        page=_short(page),
        image=_short(image),
        told=_told(page, image),
        sure=_sure(visitor, crawler, (page, image)),
        cannot=visitor.cannot,
        passes=not any(_refused(each) for each in (page, image)),
    )


def _control_token(visitor: Visitor, crawler: Crawler) -> Row:
    return Row(
        visitor=f"{visitor.name} ({crawler.name})",
        page="-",
        image="-",
        told=f"what your robots.txt says: `User-agent: {crawler.name}`, `Disallow: /`",
        sure=f"as sure as {crawler.operator}'s word",
        cannot=visitor.cannot,
        passes=True,
    )


def _refused(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.response is not None


def _short(outcome: Outcome | None) -> str:
    if outcome is not None and outcome.response is not None:
        return f"no ({outcome.response.status})"
    return "yes"


def _told(page: Outcome | None, image: Outcome | None) -> str:
    for_page, for_image = _words(page, "page"), _words(image, "image")
    if _short(page) == _short(image):
        return for_page
    return f"page: {for_page}; image: {for_image}"


def _words(outcome: Outcome | None, what: str) -> str:
    if outcome is None:
        return "nothing: it gets what it asks for"
    decision = outcome.decision
    if outcome.response is not None:
        offer = " It also says where to get a license." if decision.action is Action.REQUIRE_LICENSE else ""
        place = "your robots.txt: " if decision.clause == "robots.txt" else ""
        return f"{place}{decision.deciding.text}{offer}"
    if decision.action in REFUSALS:
        return f"nothing yet; `mode: enforce` would refuse it the {what}"
    codes = {reason.code.value for reason in decision.reasons}
    if "clause-rate" in codes:
        often = " and ".join(f"{clause.rate}" for clause in decision.rates if clause.mode is not Mode.OBSERVE)
        return f"nothing, up to {often}; above that 429 and when to come back"
    if "clause-observed" in codes:
        return "nothing: a clause about it only observes"
    if "robots-unknown" in codes:
        return "nothing, unless your robots.txt says no"
    return "nothing: it gets what it asks for"


def _sure(visitor: Visitor, crawler: Crawler | None, outcomes: Sequence[Outcome | None]) -> str:
    if crawler is None:
        return "not at all" if visitor.cannot else "certain: it is never touched"
    if not any(_refused(outcome) for outcome in outcomes):
        return "certain" if crawler.acts_for.isdisjoint(AI_PURPOSES) else "certain, while it gives its name"
    return f"while it gives its name; {_HONORS[crawler.honors_robots].format(crawler.operator)}"


_HONORS: Mapping[Honors, str] = {
    Honors.YES: "{} obeys robots.txt as well",
    Honors.CLAIMED: "{} says that it obeys robots.txt as well",
    Honors.NO: "{} does not obey robots.txt here",
    Honors.UNKNOWN: "{} does not say whether it obeys robots.txt",
}


def _questions(rows: Sequence[Row]) -> dict[str, str]:
    passes = {visitor.name: row.passes for visitor, row in zip(VISITORS, rows, strict=True)}
    previews = [name for name in passes if name.endswith(_PREVIEW)]
    broken = [name.removesuffix(_PREVIEW) for name in previews if not passes[name]]
    asked = "may" if passes["ChatGPT, asked to open a page"] else "may not"
    return {
        "Do I vanish from Google?": _vanish(passes["Google search"]),
        "Do I vanish from ChatGPT search?": f"{_vanish(passes['ChatGPT search'])} When somebody asks, "
        f"ChatGPT {asked} open a page.",
        "Will my link previews break?": f"Yes: {', '.join(broken)}." if broken else "No.",
    }


_PREVIEW = " link preview"


def _vanish(passes: bool) -> str:
    return "No." if passes else "Yes."


def as_rows(found: Table) -> dict[str, object]:
    """The table, for a program."""
    return {
        "file": found.policy.file,
        "digest": found.policy.digest,
        "questions": dict(found.questions),
        "visitors": [dict(zip(("visitor", *_KEYS), row.cells, strict=True)) for row in found.rows],
    }


_KEYS = ("page", "image", "told", "sure", "cannot")


def markdown(found: Table) -> str:
    """The table as Markdown, with the three answers above it."""
    lines = [f"- *{question}* {answer}" for question, answer in found.questions.items()]
    lines += ["", f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS)]
    lines += [f"| {' | '.join(_cell(cell) for cell in row.cells)} |" for row in found.rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    # The owner's own reason stands in a cell: it must not end it, nor become markup of the page that shows it.
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
