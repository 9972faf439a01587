"""Groups by rank, signers, what may be a crawler, and what an ordinary browser is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.recognition import ORDINARY, by_crawler, groups, possible, signers
from optout.compilers.recognition.pcre import pcre
from optout.crawlers.registry import bundled_registry
from optout.messages import octets
from tests.compilers.pcre2 import Pcre
from tests.compilers.pcre2 import pcre as compiled
from tests.compilers.recognizing import CHROME, EXAMPLES, GROUPS, PEOPLE, REGISTRY, SEEN, rank_by_signer, rank_of

POSSIBLE = tuple(map(Pcre, possible(bundled_registry())))
SPELLINGS = tuple(token.text for token, _ in REGISTRY.spellings)


def is_possible(user_agent: str) -> bool:
    return any(each.search(octets(user_agent)) is not None for each in POSSIBLE)


# --- what may be a crawler ----------------------------------------------------------------------------------------


def test_every_example_of_the_registry_is_routed() -> None:
    assert len(EXAMPLES) > 200
    assert [example for example in EXAMPLES if not is_possible(example)] == []


@pytest.mark.parametrize("user_agent", SEEN)
def test_every_crawler_that_was_seen_is_routed(user_agent: str) -> None:
    assert is_possible(user_agent)


@settings(deadline=None)
@given(st.text(max_size=20), st.sampled_from(SPELLINGS), st.text(max_size=20))
def test_whatever_the_engine_finds_is_routed(before: str, name: str, after: str) -> None:
    for text in (before + name + after, f"{before} {name.upper()} {after}", name.replace(" ", "+")):
        if REGISTRY.recognize(text) is not None:
            assert is_possible(text), text


@settings(deadline=None)
@given(st.text(max_size=10), st.sampled_from(SPELLINGS))
def test_a_user_agent_that_is_escaped_throughout_is_routed(before: str, name: str) -> None:
    text = "%20".join("".join(f"%{octet:02X}" for octet in part.encode()) for part in ("x", name))
    assert REGISTRY.recognize(text) is not None or name in {"Google", "opencode", "LCC (", "YaK/"} or "." in name
    assert is_possible(text)


def test_a_typographic_hyphen_is_routed() -> None:
    assert is_possible("Claude\u2011User/1.0")


def test_browsers_are_not_routed() -> None:
    assert not is_possible(CHROME)
    assert not is_possible("")
    assert not is_possible("curl/8.5.0")
    assert not is_possible("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0")


# --- ordinary browsers ------------------------------------------------------------------------------------------

BROWSERS = (
    CHROME,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    " Edg/142.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0"
    " Mobile Safari/537.36",
)


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_a_browser_as_most_people_have_it_is_ordinary(user_agent: str) -> None:
    assert compiled(ORDINARY).search(user_agent.encode()) is not None


@settings(deadline=None)
@given(st.from_regex(re.compile(ORDINARY, re.ASCII), fullmatch=True))
def test_no_ordinary_user_agent_names_a_crawler(user_agent: str) -> None:
    assert REGISTRY.recognize(user_agent) is None


@settings(deadline=None)
@given(st.sampled_from(BROWSERS), st.sampled_from(SPELLINGS), st.integers(0, 200))
def test_a_browser_with_a_name_put_in_is_not_ordinary(browser: str, name: str, place: int) -> None:
    for put in (name, f" {name}", f"{name} ", f"; {name}"):
        assert compiled(ORDINARY).search((browser[:place] + put + browser[place:]).encode()) is None


def test_a_long_text_is_no_browser_and_is_soon_found_out() -> None:
    for piece in (" Chrome/1", " Version/1", "."):
        text = BROWSERS[0].encode() + piece.encode() * 1000 + b"x"
        assert Pcre(ORDINARY, limit=20 * len(text)).search(text) is None


# --- groups and signers -----------------------------------------------------------------------------------------


def test_the_most_restricted_group_comes_first() -> None:
    purposes = [group.spellings[0][1].purpose.value for group in GROUPS if group.spellings]
    assert purposes[:6] == ["control-token", "train", "dataset", "undocumented", "search-index", "user-fetch"]
    assert purposes[-1] == "search"


def test_each_crawler_alone_is_found_by_its_own_names() -> None:
    chosen = [crawler for _, crawler in REGISTRY.spellings if crawler.name in {"GPTBot", "Diffbot"}]
    found = by_crawler(REGISTRY, chosen)
    assert [crawler.name for crawler, _ in found] == ["GPTBot", "Diffbot"]
    (expression,) = pcre(found[0][1])
    assert compiled(expression.found).search(b"GPTBot/1.0") == b"GPTBot"
    assert compiled(expression.found).search(b"Diffbot/1.0") is None


def test_a_longer_name_of_another_takes_the_shorter_one_with_it() -> None:
    tokens = {token.text: (token, crawler) for token, crawler in REGISTRY.spellings}
    token, crawler = tokens["Exabot"]
    (group,) = (group for group in groups(REGISTRY, [crawler]) if (token, crawler) in group.spellings)
    assert "ExaBot" in [each.text for each in group.within]


@pytest.mark.parametrize("host", sorted(REGISTRY.signers))
def test_a_signer_is_found_in_either_form_of_the_field(host: str) -> None:
    rank = rank_of(REGISTRY.signers[host])
    for value in (
        f'"https://{host}"',
        f'agent2="https://{host}/.well-known/x", sig1="https://{host}:443"',
        host.upper(),
    ):
        assert rank_by_signer(value) == rank


@pytest.mark.parametrize(
    "value", ["", '"https://{}@evil.example"', '"https://not-{}"', '"https://{}.evil.example"', "x{}"]
)
def test_who_only_looks_like_a_signer_is_none(value: str) -> None:
    for host in REGISTRY.signers:
        written = value.format(host)
        assert rank_by_signer(written) is None
        assert REGISTRY.recognize("", written) is None


def test_a_group_without_signers_has_no_expression_for_them() -> None:
    assert signers(groups(REGISTRY, [REGISTRY.spellings[0][1]])[0]) == ""


def test_people_are_rarely_routed() -> None:
    assert len([each for each in PEOPLE if is_possible(each)]) < len(PEOPLE) / 4
