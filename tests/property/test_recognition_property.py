"""Recognition of anything at all: it never raises, and it never names a word that is not one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.model import Claim, Purpose
from optout.crawlers.registry import bundled_registry
from optout.messages import as_text

REGISTRY = bundled_registry()


def named(user_agent: str) -> set[str]:
    claim = REGISTRY.recognize(user_agent)
    return {crawler.name for crawler in claim.named} if claim else set()


KNOWN = {token.lower() for crawler in REGISTRY.crawlers for token in crawler.tokens}
TOKENS = sorted(token for token in KNOWN if token.isalnum() and named(f"x {token} x") and not named(f"{token}-x"))
"""The tokens that are a word of their own wherever they stand."""

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates included
PIECES = st.one_of(
    ANY_TEXT,
    st.sampled_from(TOKENS),
    st.sampled_from(
        ["Google-Extended", "Mozilla/5.0 (", "; +https://", "www.", "@", "%20", "+", "\u2011", "Electron/", ".", "/"]
    ),
)
USER_AGENTS = st.one_of(ANY_TEXT, st.lists(PIECES, max_size=12).map("".join), st.binary().map(as_text))
SIGNATURE_AGENTS = st.one_of(
    st.none(),
    ANY_TEXT,
    st.lists(st.sampled_from(['"', "https://", "chatgpt.com", "sig1=", ";", ",", "@", "/", "."]), max_size=12).map(
        "".join
    ),
)
WORD_CHARACTERS = st.one_of(st.sampled_from("-_"), st.characters(categories=("L", "Nd"), max_codepoint=0xFF))


@given(USER_AGENTS, SIGNATURE_AGENTS)
def test_any_text_is_read_without_a_fault_and_a_claim_holds_together(user_agent: str, signer: str | None) -> None:
    claim = REGISTRY.recognize(user_agent, signer)
    if claim is None:
        return
    assert isinstance(claim, Claim)
    assert claim.crawler in claim.named
    assert claim.token
    assert len({id(each) for each in claim.named}) == len(claim.named)
    assert bool(claim.contradiction) is (claim.crawler.purpose is Purpose.CONTROL_TOKEN)
    assert REGISTRY.recognize(user_agent, signer) == claim


@given(
    st.sampled_from(TOKENS),
    st.sampled_from(" ;(),/\t\"'[]|\x00+=\u3000"),
    st.sampled_from(" ;(),/\t\"'[]|\x00+=\u3000"),
)
def test_a_token_between_any_separators_is_a_name(token: str, before: str, after: str) -> None:
    alone = named(token)
    assert alone
    assert alone <= named(f"Mozilla/5.0 {before}{token}{after} x")


@given(st.sampled_from(TOKENS), WORD_CHARACTERS)
def test_a_token_glued_to_a_letter_is_another_word(token: str, char: str) -> None:
    for glued in (f"{char}{token}", f"{token}{char}"):
        if glued.lower() not in KNOWN:
            assert named(f"x ({glued}/1.0)") == set()


@given(
    st.sampled_from(TOKENS),
    st.sampled_from(["https://e.example/{}", "www.e.example/a-{}", "{}@e.example", "http://e.example/?q={}"]),
)
def test_a_token_inside_an_address_is_no_name(token: str, address: str) -> None:
    assert named(f"Reader/1.0 (+{address.format(token)})") == set()


@given(USER_AGENTS)
def test_capitals_make_no_difference_to_people(user_agent: str) -> None:
    text = user_agent.encode("ascii", "replace").decode()
    if REGISTRY.recognize(text.swapcase()) is None and REGISTRY.recognize(text.lower()) is None:
        claim = REGISTRY.recognize(text)
        assert claim is None or claim.crawler.name in {"LCC", "YaK", "ExaBot", "Gemini app fetch"}
