"""What is published says what the door does: any policy, every crawler of the registry, every reader we know."""

from __future__ import annotations

from functools import cache

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from optout.compilers.documents import SiteDocuments, compile_documents
from optout.crawlers.model import AI_PURPOSES, Claim, Crawler, Purpose, SaidBy
from optout.crawlers.registry import bundled_registry
from optout.decision import decide
from optout.errors import OptoutError
from optout.identity import identify
from optout.policy.imported import import_robots
from optout.policy.loader import load_policy
from optout.policy.matcher import PolicyMatcher
from optout.policy.model import REFUSALS, Policy
from optout.robots.dialects import Dialect, reader
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.declaration import (
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Published,
    absent,
    known,
    parse_published,
)
from optout.signals.preference import Preference, Usage
from optout.signals.verdict import Signals, usage_verdict
from optout.testing import make_request

SITE = "site.example"
REGISTRY = bundled_registry()
NAMES = [
    "GPTBot",
    "CCBot",
    "Googlebot",
    "ChatGPT-User",
    "AI2Bot",
    "Applebot",
    "OAI-SearchBot",
    "Ai2Bot-Dolma",
    "omgili",
]
OPERATORS = ["OpenAI", "Google", "Amazon"]
PURPOSES = sorted(purpose.value for purpose in Purpose if purpose is not Purpose.CONTROL_TOKEN)

plain = st.lists(st.sampled_from(["a", "b", "ab", "press"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
slashed = plain.map(lambda path: f"{path}/")
patterns = st.one_of(
    plain,
    slashed,
    st.just("/"),
    st.lists(st.sampled_from(["/", "a", "b", "*", "*", ".jpg", "$", "%61", "%24", "ä", "?"]), max_size=6).map(
        lambda parts: "/" + "".join(parts)
    ),
    st.sampled_from(["*", "*.jpg$", "/*.jpg$", "/*/b", "/a$", "/a*b*$", "/*$*"]),
)
targets = st.lists(st.sampled_from(["/", "a", "b", ".jpg", "press", "?", "x"]), max_size=6).map(
    lambda parts: ("/" + "".join(parts)).replace("//", "/")
)


@st.composite
def clauses(draw: st.DrawFn, paths: st.SearchStrategy[str]) -> str:
    """One clause as a line of YAML."""
    action = draw(st.sampled_from(["allow", "deny", "require-license", "published"]))
    keys = [f"action: {action}", f"including_search: {str(action != 'allow').lower()}"]
    if draw(st.booleans()):
        keys.append(f"purpose: [{', '.join(draw(st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3)))}]")
    if draw(st.integers(0, 3)) == 0:
        keys.append(f"crawler: [{', '.join(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)))}]")
    if draw(st.integers(0, 5)) == 0:
        keys.append(f"operator: {draw(st.sampled_from(OPERATORS))}")
    if draw(st.booleans()):
        written = (f'"{path}"' for path in draw(st.lists(paths, min_size=1, max_size=3)))
        keys.append(f"path: [{', '.join(written)}]")
    if draw(st.integers(0, 9)) == 0:
        keys.append(draw(st.sampled_from(["mode: observe", "standing: [verified]", "method: POST"])))
    return "{" + ", ".join(keys) + "}"


@st.composite
def policies(draw: st.DrawFn, paths: st.SearchStrategy[str] = patterns) -> Policy:
    """A policy that loads."""
    written = draw(st.lists(clauses(paths), max_size=5))
    default = draw(st.sampled_from(["allow", "deny", "require-license"]))
    text = (
        "version: 1\nmode: enforce\non_error: allow\ncontact: me@site.example\non_disallow: require-license\n"
        "license: /license.xml\ntdm_policy: https://site.example/tdm.json\n"
        f"default: {default}\non_reservation: {draw(st.sampled_from(['declare', 'deny']))}\n"
        "sites: site.example\ndocuments: {from: generated}\n"
    )
    text += "".join(f"{'clauses:' if not at else ''}\n  - {clause}" for at, clause in enumerate(written))
    try:
        return load_policy(text.encode(), "policy.yaml", REGISTRY)
    except OptoutError:
        assume(False)
        raise


TOKENS = ["*", "GPTBot", "gptbot", "Googlebot", "ChatGPT-User", "Google-Extended", "UnknownBot", "AI2Bot", "Yandex"]
bases = st.lists(
    st.one_of(
        st.sampled_from(TOKENS).map(lambda token: f"User-agent: {token}"),
        st.tuples(st.sampled_from(["Allow", "Disallow"]), patterns).map(lambda rule: f"{rule[0]}: {rule[1]}"),
        st.sampled_from(["Crawl-delay: 5", "Sitemap: https://site.example/s.xml", "Host: x", "Disallow:", "Allow: x"]),
    ),
    max_size=12,
).map("\n".join)


def published(made: SiteDocuments) -> Published:
    """What the site is then known to publish."""
    tdmrep = made.files.get(TDMREP_PATH)
    return parse_published(
        known(ROBOTS_NAME, made.files[ROBOTS_PATH].data),
        absent(TDMREP_NAME) if tdmrep is None else known(TDMREP_NAME, tdmrep.data),
        authority=SITE,
    )


@cache
def crawlers() -> tuple[Crawler, ...]:
    """Every crawler in every form, but control tokens, which nobody is."""
    forms = {id(each): each for each in (*REGISTRY.crawlers, *(crawler for _, crawler in REGISTRY.spellings))}
    return tuple(each for each in forms.values() if Purpose.CONTROL_TOKEN not in each.purposes)


def is_refused(policy: Policy, matcher: PolicyMatcher, crawler: Crawler, found: Published, path: str) -> bool:
    """What the door does."""
    claim = Claim(crawler=crawler, token=crawler.name, said_by=SaidBy.USER_AGENT, named=(crawler,))
    request = make_request(f"https://{SITE}{path}")
    decision = decide(request=request, agent=identify(claim), matcher=matcher, published=found)
    return decision.acted_upon and decision.action in REFUSALS


def losses(made: SiteDocuments) -> set[str]:
    """Their codes."""
    return {loss.code for loss in made.losses}


SLOW = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


@SLOW
@given(policies(), bases, st.lists(targets, min_size=1, max_size=4))
def test_robots_txt_says_to_every_crawler_what_the_door_does(policy: Policy, base: str, paths: list[str]) -> None:
    policy = msgspec.structs.replace(policy, robots_base=base)
    made = compile_documents(policy, REGISTRY, authority=SITE)
    found, matcher, lost = published(made), PolicyMatcher(policy), losses(made)
    assert found.robots is not None
    assume("too-short" not in lost)
    shared = next((loss.text for loss in made.losses if loss.code == "shared-token"), "")
    for crawler in crawlers():
        if not crawler.robots_tokens or any(token in shared for token in crawler.robots_tokens):
            continue
        for path in paths:
            refused = is_refused(policy, matcher, crawler, found, path)
            said = found.robots.match(crawler.robots_tokens, path)
            # Of rules below the clauses a door makes a refusal only for those whom they bind (design part 5.2).
            is_bound = not crawler.acts_for.isdisjoint(AI_PURPOSES)
            if crawler.purpose is Purpose.USER_FETCH and said.everyone:
                is_bound = False
            assert said.allowed is not refused or (not is_bound and not refused), (crawler.name, path)


@SLOW
@given(bases, st.lists(targets, min_size=1, max_size=4))
def test_a_policy_without_clauses_leaves_a_robots_txt_as_it_is(base: str, paths: list[str]) -> None:
    text = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\nsites: site.example\n"
    policy = msgspec.structs.replace(load_policy(text.encode(), "policy.yaml", REGISTRY), robots_base=base)
    made = compile_documents(policy, REGISTRY, authority=SITE)
    assume("too-short" not in losses(made))
    before, after = (RobotsMatcher(parse_robots(data)) for data in (base.encode(), made.files[ROBOTS_PATH].data))
    shared = next((loss.text for loss in made.losses if loss.code == "shared-token"), "")
    for tokens in {("UnknownBot",), ("another",), *(crawler.robots_tokens for crawler in crawlers())}:
        for path in paths:
            if not any(token in shared for token in tokens):
                assert after.match(tokens, path).allowed is before.match(tokens, path).allowed, (tokens, path)


@SLOW
@given(policies(), targets)
def test_what_is_generated_changes_nothing_at_the_door(policy: Policy, path: str) -> None:
    made = compile_documents(policy, REGISTRY, authority=SITE)
    assume("published-clause" not in losses(made) and policy.on_reservation == "declare")
    found, matcher = published(made), PolicyMatcher(policy)
    silent = parse_published(absent(ROBOTS_NAME), absent(TDMREP_NAME))
    shared = next((loss.text for loss in made.losses if loss.code == "shared-token"), "")
    told = losses(made) & {"too-short", "standing-clause", "observed-clause", "method-clause"}
    assume(not told)
    for crawler in crawlers():
        if not any(token in shared for token in crawler.robots_tokens):
            before = is_refused(policy, matcher, crawler, silent, path)
            assert is_refused(policy, matcher, crawler, found, path) is before, crawler.name


@SLOW
@given(bases, st.lists(targets, min_size=1, max_size=4))
def test_a_robots_txt_that_is_imported_and_compiled_says_the_same(text: str, paths: list[str]) -> None:
    found = import_robots(text.encode(), REGISTRY, site=SITE)
    policy = load_policy(found.text.encode(), "policy.yaml", REGISTRY)
    made = compile_documents(policy, REGISTRY, authority=SITE)
    assume("too-short" not in losses(made))
    data = made.files[ROBOTS_PATH].data
    before, after = (RobotsMatcher(parse_robots(each)) for each in (text.encode(), data))
    shared = next((loss.text for loss in made.losses if loss.code == "shared-token"), "")
    for tokens in {("UnknownBot",), ("another",), *(crawler.robots_tokens for crawler in REGISTRY.crawlers)}:
        for path in paths:
            if not any(token in shared for token in tokens):
                assert after.match(tokens, path).allowed is before.match(tokens, path).allowed, (tokens, path)
    kept = {(record.key, record.value) for record in parse_robots(data).others}
    assert {(record.key, record.value) for record in parse_robots(text.encode()).others} <= kept


_LOST_ON = {
    Dialect.GOOGLE: {"token-outside-grammar", "escapes"},
    Dialect.PROTEGO: {"escapes"},
    Dialect.PYTHON_OLD: {"read-by-python", "name-within-name", "escapes", "token-outside-grammar"},
    Dialect.PYTHON_NEW: {"read-by-python", "escapes"},
}


@SLOW
@given(policies(st.one_of(plain, slashed)), st.lists(targets, min_size=1, max_size=3))
def test_other_readers_read_the_same_or_it_is_a_listed_loss(policy: Policy, paths: list[str]) -> None:
    made = compile_documents(policy, REGISTRY, authority=SITE)
    data, lost = made.files[ROBOTS_PATH].data, losses(made)
    standard = reader(Dialect.RFC, data)
    for dialect, excused in _LOST_ON.items():
        if lost & excused:
            continue
        read = reader(dialect, data)
        for token in {token for crawler in crawlers() for token in crawler.robots_tokens[:1]}:
            for path in paths:
                assert read(token, path).allowed is standard(token, path).allowed, (dialect, token, path)


@SLOW
@given(policies(), targets)
def test_no_signal_permits_what_the_policy_does_not(policy: Policy, path: str) -> None:
    made = compile_documents(policy, REGISTRY, authority=SITE)
    found, matcher = published(made), PolicyMatcher(policy)
    nobody = Crawler(name="\0", operator="\0", purposes=(Purpose.TRAIN,), robots_tokens=("nobody-at-all",))
    refused = is_refused(policy, matcher, nobody, found, path)
    said = usage_verdict(
        Signals(
            robots=made.files[ROBOTS_PATH].data,
            tdmrep=made.files[TDMREP_PATH].data if TDMREP_PATH in made.files else b"",
            ai_txt=made.files["/ai.txt"].data if "/ai.txt" in made.files else b"",
        ),
        ("nobody-at-all",),
        path,
    )
    assume(path != "/robots.txt" and not losses(made) & {"standing-clause", "observed-clause", "method-clause"})
    if refused:
        assert all(
            statement.preference is not Preference.ALLOWED for statement in said.heard if statement.usage is Usage.TRAIN
        ), said.heard
