"""One decision as a record: what is written for ever, and what must stay private (evidence.md part 5.1).

Observation and inference have fields of their own: `user_agent.original` is what arrived, `crawl.*` and `identity.*`
are what was concluded from it and from which data. Rule: no address, prefix or query enters the public part, and for
a fetch that a person asked for no path either, because a URL can tell what the person wanted to know (part 4.4).

It is longer than 300 lines because all fields of a record stand in one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from optout.accept import prefers_markdown
from optout.crawlers.model import Purpose, SaidBy
from optout.decision import Decision
from optout.evidence.form import Filled, Form
from optout.identity import Standing
from optout.licensing.token import GrantState
from optout.messages import AddressSource, Fields, Request
from optout.policy.model import Action
from optout.response import offer
from optout.signals.declaration import ROBOTS_PATH, TDMREP_PATH, DocumentState, Published
from optout.signals.tdmrep import Reserved
from optout.signals.verdict import NO_SIGNALS, UsageVerdict, field_statements, resolve_uses
from optout.signatures.proof import keep
from optout.signatures.verification import Checked, Presented

Value = str | int | bool | list[str]

# evidence.md part 5.1: the fields of a request that help to identify a crawler and name no person.
_HEADER_ALLOW_LIST = {
    name: f"http.request.header.{name}"
    for name in ("accept", "from", "signature-agent", "signature-input", "accept-signature", "content-usage")
}


_READ = ("user-agent", *_HEADER_ALLOW_LIST)
_MOST_FORMS = 128  # about 5 KB each; more heads than that come at once to few sites
_MOST_SEEN = 2048
_CLAIM_SOURCES = {SaidBy.USER_AGENT: "ua", SaidBy.SIGNATURE_AGENT: "signature"}

_FROM = "http.request.header.from"


_MOST_SAID = 16  # statements of one response's fields that a record repeats


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record before the log completes it with writer, sequence and clock."""

    public: Mapping[str, Value]
    private: Mapping[str, Value]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the records of all requests with one decision have alike. `user_fetch`: the path stays private."""

    form: Form
    user_fetch: bool


class Forms:
    """The forms of records that share what was observed, too, but for target and time. Memory is bounded.

    A crawler sends the same head again and again, for one page after the other. A head that comes a second time under
    one draft gets a form of its own; one with a signature does not, because that is new each time.
    """

    __slots__ = ("_kept", "_seen")

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[Draft, Form]] = {}  # by the identity of a draft, which is held
        self._seen: set[int] = set()  # Python's hashes of what came once

    def find(self, draft: Draft, request: Request) -> Form | None:
        """The form for a request's record; None where everything observed goes into the record by itself."""
        fields = request.fields
        if fields.all("signature-input"):
            return None
        where = (id(draft), request.method, request.http_version, request.scheme, request.authority)
        key = (*where, *[fields.all(name) for name in _READ])
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        number = hash(key)
        if number not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(number)
            return None
        if len(self._kept) >= _MOST_FORMS:
            self._kept.clear()
        observed: dict[str, Value] = {}
        _observe(observed, request, user_fetch=draft.user_fetch)
        form = Form({**draft.form.shared, **observed})
        self._kept[key] = draft, form
        return form


def draft(*, decision: Decision, published: Published, status: int | None, registry_sha256: str) -> Draft:
    """The part of a `crawl.request` that is the decision's; `status` None where the origin will answer."""
    public: dict[str, Value] = {
        "v": 1,
        "type": "crawl.request",
        "tenant": decision.policy.tenant,
        **_inferred(decision, registry_sha256),
        **_in_force(decision, published),
        "decision.action": decision.action.value,
        "decision.reason": decision.deciding.code.value,
        "decision.reasons": [
            f"{reason.code} {reason.source}" if reason.source else reason.code.value for reason in decision.reasons
        ],
        "decision.enforced": decision.enforced,
    }
    if status is not None:
        public["http.response.status_code"] = status
        if decision.action is Action.REQUIRE_LICENSE:
            public["offer.sha256"] = hashlib.sha256(msgspec.json.encode(offer(decision))).hexdigest()
    if decision.grant is not None and decision.grant.state is GrantState.VALID and decision.grant.license_id:
        public["license.id"] = decision.grant.license_id
    return Draft(form=Form(public), user_fetch=_is_user_fetch(decision))


def crawl_request(*, request: Request, draft: Draft, spent_us: int, forms: Forms | None = None) -> Record:
    """`crawl.request`: who asked for what, and what was decided."""
    form = None if forms is None else forms.find(draft, request)
    own: dict[str, Value] = {
        "id": request.id,
        "time_us": request.received_us,
        "mono_us": request.mono_us,
        "decision.us": spent_us,
        "url.query.present": request.has_query,
    }
    if not draft.user_fetch:
        own["url.path"] = _path(request)
    if form is None:
        _observe(own, request, user_fetch=draft.user_fetch)
    return Record(public=Filled(form or draft.form, own), private=_private(request, user_fetch=draft.user_fetch))


def with_signature(record: Record, presented: Presented, checked: Checked) -> Record:
    """The record of a signed request, with what anybody needs to check the signature again."""
    kept = keep(presented, checked, shows_path="url.path" in record.public)
    public = record.public
    more = public.and_also(kept.public) if isinstance(public, Filled) else {**public, **kept.public}
    return Record(public=more, private={**record.private, **kept.private})


def crawl_outcome(
    *, record_id: str, request: Request, decision: Decision, time_us: int, mono_us: int, ending: Ending
) -> Record:
    """`crawl.outcome`: how the exchange of an earlier `crawl.request` ended."""
    public: dict[str, Value] = {
        "v": 1,
        "type": "crawl.outcome",
        "id": record_id,
        "time_us": time_us,
        "mono_us": mono_us,
        "tenant": decision.policy.tenant,
        "crawl.request.id": request.id,
        "http.response.body.size": ending.body_bytes,
        "outcome.aborted": ending.aborted,
        "outcome.us": max(0, mono_us - request.mono_us),
    }
    if ending.status is not None:
        public["http.response.status_code"] = ending.status
    if ending.served is not None and ending.status == 200 and not ending.aborted:
        public["served.sha256"] = ending.served.hexdigest()
    said = field_statements(ending.said, decision.agent.claim.crawler.robots_tokens) if ending.said.items else ()
    if said:
        public["usage.response"] = [str(each) for each in said[:_MOST_SAID]]
        public.update(_uses(resolve_uses((*decision.heard, *said))))
    return Record(public=public, private={})


class Hash(Protocol):
    """What `hashlib.sha256` gives."""

    def update(self, data: bytes, /) -> None:
        """Take in more."""

    def hexdigest(self) -> str:
        """The hash of all that was taken in."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended: the status sent (None: none was), content bytes really sent, and whether it broke off.

    `served` is the running hash of what was sent, where `served_hash` gave one. `said` are the fields of
    the response as it was sent that say what may be done with the content, as `signals.verdict` picks them.
    """

    status: int | None
    body_bytes: int
    aborted: bool
    served: Hash | None = None
    said: Fields = NO_SIGNALS


_DECLARATIONS = frozenset({ROBOTS_PATH, TDMREP_PATH})


def served_hash(request: Request) -> Hash | None:
    """For a door to feed with each piece of content that it sends: a hash for a declaration, None for all else.

    What a crawler got may differ from what the origin holds: a cache, a generator, a broken transfer. The record tells
    the bytes that went out (evidence.md part 5.1, "as served"); hashing every picture would buy nothing.
    """
    return hashlib.sha256() if request.target in _DECLARATIONS and request.method == "GET" else None


def _observe(public: dict[str, Value], request: Request, *, user_fetch: bool) -> None:
    """Add what arrived besides the target, as far as it may be known to everybody."""
    name, port = _host_and_port(request.authority)
    public["http.request.method"] = request.method
    public["network.protocol.version"] = request.http_version
    public["url.scheme"] = request.scheme
    public["server.address"] = name
    public["user_agent.original"] = request.user_agent
    if port is not None:
        public["server.port"] = port
    if prefers_markdown(request.fields):
        public["observed.prefers_markdown"] = True
    for header, value in request.fields:
        key = _HEADER_ALLOW_LIST.get(header.lower())
        if key is not None and not (user_fetch and key == _FROM):  # a person's own address, when a person asked
            values = public.setdefault(key, [])
            assert isinstance(values, list)  # noqa: S101  no other field has such a name
            values.append(value)


def _host_and_port(authority: str) -> tuple[str, int | None]:
    name, colon, port = authority.rpartition(":")
    return (name, int(port)) if colon and port.isdigit() else (authority, None)


def _inferred(decision: Decision, registry_sha256: str) -> dict[str, Value]:
    agent = decision.agent
    contradicted = agent.standing is Standing.CONTRADICTED
    found: dict[str, Value] = {
        "crawl.product": agent.claim.crawler.name,
        "crawl.operator": agent.claim.crawler.operator,
        "crawl.purpose": agent.purpose.value,
        "crawl.named": list(dict.fromkeys(crawler.name for crawler in agent.claim.named)),
        "crawl.registry.sha256": registry_sha256,
        "identity.claimed": agent.claim.token,
        "identity.claim_source": _CLAIM_SOURCES[agent.claim.said_by],
        "identity.standing": agent.standing.value,
        "identity.verified": agent.standing.value if contradicted else agent.method.value,
    }
    if agent.address_list is not None:
        found["identity.list.sha256"] = agent.address_list.sha256
    return found


def _in_force(decision: Decision, published: Published) -> dict[str, Value]:
    found: dict[str, Value] = {
        "policy.version": "1",
        "policy.sha256": decision.policy.digest,
        "policy.clause": decision.clause,
    }
    if published.robots_document.state is DocumentState.KNOWN:
        found["robots.sha256"] = published.robots_document.sha256
    match = decision.robots
    if match is not None and match.token is not None:
        found["robots.group"] = match.token
    if match is not None and match.rule is not None:
        found["robots.line"] = match.rule.line
    if published.tdmrep_document.state is DocumentState.KNOWN:
        found["tdm.sha256"] = published.tdmrep_document.sha256
    rule = decision.reservation
    if rule is not None and rule.reserved is not Reserved.UNSET:
        found["tdm.channel"] = "tdmrep"
        found["tdm.reservation"] = int(rule.reserved is Reserved.RESERVED)
        if rule.policy:
            found["tdm.policy.url"] = rule.policy
    if decision.heard:
        found.update(_uses(resolve_uses(decision.heard)))
    return found


def _uses(verdict: UsageVerdict) -> dict[str, Value]:
    """What may be done with the content: per use the statement that stands, and where statements contradict."""
    said = [use.decided for use in verdict.uses if use.decided is not None]
    found: dict[str, Value] = {"usage.verdict": [str(each) for each in said]}
    if verdict.conflicts:
        found["usage.conflicts"] = [f"{each.disallowed}, {each.allowed}" for each in verdict.conflicts]
    return found


def _path(request: Request) -> str:
    """The path as received, without a fragment: that never travels, and may hold a secret where it does."""
    return request.path.partition("#")[0]


def _is_user_fetch(decision: Decision) -> bool:
    return any(Purpose.USER_FETCH in crawler.purposes for crawler in decision.agent.claim.named)


def _private(request: Request, *, user_fetch: bool) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if request.client.address is not None and request.client.source is not AddressSource.UNKNOWN:
        found["client.address"] = request.client.address
    if request.has_query:
        found["url.query"] = request.target.partition("?")[2]
    if user_fetch:
        found["url.path"] = _path(request)
    return found
