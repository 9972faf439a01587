"""AU1xx: what a site really serves, channel by channel, and whether they say the same.

Somewhat over 300 lines: the rules stand beside what they look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from optout.lint.base import Found, Rule, Severity, shown
from optout.messages import Fields, parse_authority
from optout.robots.matcher import Match, RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.declaration import HTML_PAGE, DocumentState, parse_answer
from optout.signals.page_tags import parse_page_tags
from optout.signals.preference import Preference
from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdm_fields, parse_tdmrep
from optout.signals.verdict import Signals, UsageVerdict, usage_verdict

_MANAGED = b"# BEGIN Cloudflare Managed content"
_END = b"# END Cloudflare Managed"
_GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came for one URL; `status` is 0 if nothing did, and `fault` then says why.

    `hops` are the addresses that redirects led to, in order; the answer is that of the last one which was asked.
    """

    url: str
    status: int = 0
    fields: Fields = field(default_factory=Fields)
    body: bytes = b""
    fault: str = ""
    hops: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """The media type without parameters, in small letters."""
        return (self.fields.first("content-type") or "").partition(";")[0].strip().lower()

    def document(self, name: str) -> bytes:
        """The document's bytes; b"" where there is none."""
        found = parse_answer(name, self.status, self.body)
        return found.data if found.state is DocumentState.KNOWN else b""


@dataclass(frozen=True)
class SiteSource:
    """A site's robots.txt, tdmrep.json and ai.txt, one page of it, the path of that page, and what is named there.

    `image` is one image of the page, with its path, `named` the policies that tdmrep.json or a field names on the same
    origin, and `licenses` what came for the URLs of license documents that the site names.
    """

    robots: Answer
    tdmrep: Answer
    ai_txt: Answer
    page: Answer
    target: str
    image: Answer | None = None
    image_target: str = ""
    named: tuple[Answer, ...] = ()
    licenses: tuple[Answer, ...] = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All that was asked for, in order."""
        image = () if self.image is None else (self.image,)
        return (self.robots, self.tdmrep, self.ai_txt, self.page, *image, *self.named, *self.licenses)

    @cached_property
    def signals(self) -> Signals:
        """All that it says, for `usage_verdict`."""
        return Signals(
            robots=self.robots.document("robots.txt"),
            tdmrep=self.tdmrep.document("tdmrep.json"),
            ai_txt=self.ai_txt.document("ai.txt"),
            fields=self.page.fields,
            page=self.page.body if self.page.media_type in ("text/html", "application/xhtml+xml") else b"",
            rsl=tuple((each.url, each.body) for each in self.licenses if each.status == 200),
            authority=self.authority,
        )

    @property
    def authority(self) -> str:
        """The site's own, as policies write it."""
        scheme, _, rest = self.page.url.partition("://")
        return parse_authority(rest.partition("/")[0].partition("?")[0], scheme) or ""

    def verdict(self, *tokens: str) -> UsageVerdict:
        """What all of it says to one crawler about the page."""
        return usage_verdict(self.signals, tokens, self.target)

    def image_verdict(self, token: str) -> UsageVerdict:
        """What all of it says to one crawler about the image: a page's elements do not travel with it."""
        fields = Fields() if self.image is None else self.image.fields
        return usage_verdict(replace(self.signals, fields=fields, page=b""), (token,), self.image_target)

    def access(self, *tokens: str) -> Match:
        """Whether robots.txt lets one crawler fetch the page, and by which rule."""
        return self._robots.match(tokens, self.target)

    @cached_property
    def _robots(self) -> RobotsMatcher:
        return RobotsMatcher(parse_robots(self.signals.robots))


def _robots_status(source: SiteSource) -> Iterator[Found]:
    answer = source.robots
    if answer.fault:
        yield Found(0, f"/robots.txt cannot be had: {shown(answer.fault)}")
    elif answer.status >= 300 and answer.status not in _GONE and not 300 <= answer.status < 400:
        meaning = "forbids everything" if answer.status >= 500 or answer.status == 429 else "permits everything"
        yield Found(0, f"/robots.txt is answered {answer.status}, which {meaning} to whoever reads by the standard")


def _robots_redirect(source: SiteSource) -> Iterator[Found]:
    answer = source.robots
    if answer.hops:
        where = " -> ".join(map(shown, answer.hops))
        yield Found(0, f"/robots.txt leads to {where}; not every crawler follows")
    if 300 <= answer.status < 400:
        where = shown(answer.fields.first("location") or "nowhere")
        yield Found(0, f"/robots.txt leads to {where}, which was not asked; not every crawler follows")


def _html(answer: Answer, name: str, path: str) -> Iterator[Found]:
    if answer.status == 200 and parse_answer(name, 200, answer.body).why == HTML_PAGE:
        yield Found(0, f"{path} is answered with an HTML page")


def _types(source: SiteSource) -> Iterator[Found]:
    for answer, path, good in (
        (source.robots, "/robots.txt", ("text/plain",)),
        (source.tdmrep, "/.well-known/tdmrep.json", ("application/json", "application/ld+json")),
    ):
        if answer.status == 200 and answer.media_type not in good:
            yield Found(0, f"{path} comes as {shown(answer.media_type) or 'nothing'}, not as {good[0]}")


def _tdm_status(source: SiteSource) -> Iterator[Found]:
    status = source.tdmrep.status
    if status and status != 200 and status not in _GONE and not 300 <= status < 400:
        yield Found(0, f"/.well-known/tdmrep.json is answered {status}: whoever asks finds no reservation")


def _tdm_differs(source: SiteSource) -> Iterator[Found]:
    """TDMRep's stages replace one another: a later 0 cancels an earlier 1, which is rarely meant."""
    rule = TdmMatcher(parse_tdmrep(source.signals.tdmrep)).match(source.target) if source.signals.tdmrep else None
    stages = {
        "tdmrep.json": rule.reserved if rule is not None else Reserved.UNSET,
        "the response's field": parse_tdm_fields(source.signals.fields)[0].reserved,
        "the page": parse_page_tags(source.signals.page).tdm.reserved,
    }
    said = {name: value for name, value in stages.items() if value is not Reserved.UNSET}
    if len(set(said.values())) > 1:
        words = ", ".join(f"{name} says {value.value}" for name, value in said.items())
        yield Found(0, f"{words}; the last of them counts")


def _contradictions(source: SiteSource) -> Iterator[Found]:
    for conflict in source.verdict("*").conflicts:
        places = [
            f"{each.source}{f':{each.line}' if each.line else ''}" for each in (conflict.allowed, conflict.disallowed)
        ]
        yield Found(0, f"{conflict.usage}: {places[0]} allows what {places[1]} disallows")


def _silence(source: SiteSource) -> Iterator[Found]:
    if not any(use.preference is Preference.DISALLOWED for use in source.verdict("*").uses):
        yield Found(0, "no machine-readable form reserves any use of this page to everybody")


def _image(source: SiteSource) -> Iterator[Found]:
    if source.image is None or source.image.status != 200:
        return
    page, image = source.verdict("*"), source.image_verdict("*")
    lost = [
        use.usage
        for use in page.uses
        if use.preference is Preference.DISALLOWED and image.preference(use.usage) is not Preference.DISALLOWED
    ]
    if lost:
        words = ", ".join(lost)
        yield Found(0, f"the page disallows {words}, and {shown(source.image_target)}, fetched by itself, does not")


def _page(source: SiteSource) -> Iterator[Found]:
    page = source.page
    if 300 <= page.status < 400:
        yield Found(
            0, f"the page leads to {shown(page.fields.first('location') or 'nowhere')}, which was not looked at"
        )
    elif page.status != 200:
        yield Found(0, f"the page is answered {page.status}")


def _named(source: SiteSource) -> Iterator[Found]:
    for answer in source.named:
        if answer.status != 200:
            got = f"is answered {answer.status}" if answer.status else f"cannot be had: {shown(answer.fault)}"
            yield Found(0, f"{shown(answer.url)} is named as the terms, and {got}")


def _managed(source: SiteSource) -> Iterator[Found]:
    begin, end = source.robots.body.find(_MANAGED), source.robots.body.find(_END)
    if begin >= 0:
        line = source.robots.body.count(b"\n", 0, begin) + 1
        own = source.robots.body[end:].partition(b"\n")[2].strip() if end >= 0 else b""
        yield Found(line, f"a CDN has put rules of its own before {'yours' if own else 'nothing of yours'}")


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

SITE: tuple[Rule[SiteSource], ...] = (
    Rule(
        code="AU101",
        severity=_E,
        title="robots.txt does not answer",
        why="By the standard a status of 4xx permits everything and one of 5xx forbids everything, search "
        "engines, too. A bot "
        "wall or a login in front of robots.txt therefore grants what it seems to deny.",
        example="GET /robots.txt -> 403",
        instead="200 and the file, to everybody, or 404",
        reference="RFC 9309 section 2.3.1",
        check=_robots_status,
    ),
    Rule(
        code="AU102",
        severity=_E,
        title="robots.txt is a page",
        why="A site that answers every path with a page has no robots.txt; readers find no rule in it, so "
        "all is permitted.",
        example="GET /robots.txt -> 200, <!DOCTYPE html>",
        instead="the file, or 404",
        reference="RFC 9309 section 2.3",
        check=lambda source: _html(source.robots, "robots.txt", "/robots.txt"),
    ),
    Rule(
        code="AU103",
        severity=_W,
        title="a document comes with another media type",
        why="Some readers take it for something else and do not read it.",
        example="Content-Type: text/html",
        instead="Content-Type: text/plain for robots.txt, application/json for tdmrep.json",
        reference="RFC 9309 section 2.3; TDMRep",
        check=_types,
    ),
    Rule(
        code="AU104",
        severity=_W,
        title="robots.txt is somewhere else",
        why="A crawler should follow five redirects; some follow none and then take the file for missing.",
        example="GET /robots.txt -> 301",
        instead="200 and the file",
        reference="RFC 9309 section 2.3.1.2",
        check=_robots_redirect,
    ),
    Rule(
        code="AU105",
        severity=_E,
        title="tdmrep.json is a page",
        why="Whoever asks for your reservation gets something that he cannot read: nothing is reserved.",
        example="GET /.well-known/tdmrep.json -> 200, <!DOCTYPE html>",
        instead="the file, or 404",
        reference='TDMRep, "TDM File on the Origin Server"',
        check=lambda source: _html(source.tdmrep, "tdmrep.json", "/.well-known/tdmrep.json"),
    ),
    Rule(
        code="AU106",
        severity=_E,
        title="tdmrep.json does not answer",
        why="Any status but 200 means that the server does not take part in the protocol.",
        example="GET /.well-known/tdmrep.json -> 403",
        instead="200 and the file, to everybody, or 404",
        reference='TDMRep, "TDM File on the Origin Server"',
        check=_tdm_status,
    ),
    Rule(
        code="AU107",
        severity=_E,
        title="TDMRep's file, field and page say different things",
        why="The later one replaces the earlier, also a 0 a 1: a reservation in the file is then gone for this page.",
        example="tdmrep.json says 1, the response says tdm-reservation: 0",
        instead="one of them, or the same in all",
        reference='TDMRep, "Processing priority"',
        check=_tdm_differs,
    ),
    Rule(
        code="AU108",
        severity=_E,
        title="two channels contradict one another",
        why="Whoever wants the use reads the one that allows it. The stricter stands, but you should not "
        "have to argue.",
        example="Content-Signal: ai-train=no beside tdm-reservation: 0",
        instead="the same answer everywhere",
        reference="docs/signals.md",
        check=_contradictions,
    ),
    Rule(
        code="AU109",
        severity=_W,
        title="nothing is reserved",
        why="In the European Union a reservation counts in a machine-readable form alone; terms of use in "
        "prose do not.",
        example="no tdmrep.json, no signal in robots.txt, no field",
        instead='[{"location": "/", "tdm-reservation": 1}] at /.well-known/tdmrep.json',
        reference="Directive (EU) 2019/790, Article 4(3)",
        check=_silence,
    ),
    Rule(
        code="AU110",
        severity=_N,
        title="a CDN writes in your robots.txt",
        why="Its groups are merged with yours: an Allow of theirs ties with a Disallow of yours, and Allow wins.",
        example="# BEGIN Cloudflare Managed content",
        instead="turn it off there, or look at the merged file with `optout robots lint`",
        reference="RFC 9309 section 2.2.2",
        check=_managed,
    ),
    Rule(
        code="AU116",
        severity=_W,
        title="an image does not say what its page says",
        why="Whoever collects images fetches them by themselves and never sees the elements of the page.",
        example='<meta name="tdm-reservation" content="1"> in the page, and no field with the image',
        instead="tdm-reservation: 1 as a field of every response, or a rule for it in tdmrep.json",
        reference='TDMRep, "TDM Header Field"',
        check=_image,
    ),
    Rule(
        code="AU117",
        severity=_W,
        title="terms that the site names do not answer",
        why="A reservation that points to terms nobody can read leaves open how a license is to be had.",
        example="tdm-policy: https://photos.example/policy.json -> 404",
        instead="200 and the document, to everybody, or no address",
        reference='TDMRep, "tdm-policy"; RSL 1.0, "Discovery"',
        check=_named,
    ),
    Rule(
        code="AU118",
        severity=_W,
        title="the page itself is somewhere else",
        why="What is told here is true of the answer that came, and that was not the page.",
        example="GET / -> 301, Location: https://www.photos.example/",
        instead="the address that a visitor ends at: optout audit https://www.photos.example/",
        reference="docs/audit.md",
        check=_page,
    ),
)
