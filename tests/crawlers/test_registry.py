"""The bundled registry: who is named by what, who is left alone, and that every entry keeps its word."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.crawlers.model import Claim, Purpose, SaidBy
from optout.crawlers.registry import Registry, bundled_registry, load_registry

REGISTRY = bundled_registry()
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


def rows(file: str) -> list[list[str]]:
    """The lines of a table beside this file; `#` begins a heading."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def claim(user_agent: str, signature_agent: str | None = None) -> Claim:
    found = REGISTRY.recognize(user_agent, signature_agent)
    assert found is not None, user_agent
    return found


def named(user_agent: str) -> str | None:
    found = REGISTRY.recognize(user_agent)
    return found.crawler.name if found else None


# --- the data ---------------------------------------------------------------------------------------------------


def test_every_crawler_of_the_survey_is_an_entry() -> None:
    known = rows("known.tsv")
    assert len(known) == 220
    entries = {each.name: [each.name, each.operator, each.purpose] for each in REGISTRY.crawlers}
    assert [entries.get(name) for name, _, _ in known] == known


def test_an_entry_says_where_its_facts_come_from() -> None:
    for crawler in REGISTRY.crawlers:
        assert crawler.sources, crawler.name
        assert all(source.text and source.facts and source.date >= "2026-01-01" for source in crawler.sources)


def test_an_entry_explains_itself_in_sentences() -> None:
    assert [each.name for each in REGISTRY.crawlers if not each.notes.endswith(".")] == []


@pytest.mark.parametrize(
    "name",
    [
        "ChatGPT agent",
        "Operator",
        "OpenAI",
        "NotebookLM",
        "Code (GitHub Copilot)",
        "Microsoft Copilot fetch",
        "RyeBot",
        "Cloudflare AI Crawl Control probes",
        "Google-Extended",
        "Applebot-Extended",
    ],
)
def test_a_name_that_never_travels_has_no_token(name: str) -> None:
    crawler = REGISTRY.by_name(name)
    assert crawler is not None
    assert crawler.tokens == ()


@pytest.mark.parametrize("name", ["Operator", "OpenAI", "NotebookLM", "Code", "ChatGPT agent", "RyeBot", "Daric2"])
def test_a_display_name_in_a_user_agent_says_nothing(name: str) -> None:
    assert named(f"Mozilla/5.0 (compatible; {name}/1.0; +https://example.org/)") is None
    assert named(name) is None


def test_control_tokens_name_the_crawler_whose_requests_they_govern() -> None:
    governed = {each.name: each.governed_by for each in REGISTRY.crawlers if each.governed_by}
    assert governed == {"Google-Extended": "Googlebot", "Applebot-Extended": "Applebot"}


def test_the_data_has_a_name_of_its_own() -> None:
    assert len(REGISTRY.sha256) == 64
    assert REGISTRY is bundled_registry()
    other = load_registry({"a.yaml": SMALL.replace(b"train", b"dataset")})
    assert other.sha256 != load_registry({"a.yaml": SMALL}).sha256 != REGISTRY.sha256


# --- who is named, and who is not --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "purpose", "user_agent"), rows("recognized.tsv"))
def test_a_crawler_is_named_with_its_purpose(name: str, purpose: str, user_agent: str) -> None:
    found = claim(user_agent)
    assert (found.crawler.name, found.crawler.purpose, found.said_by) == (name, purpose, SaidBy.USER_AGENT)
    assert found.contradiction == ""


@pytest.mark.parametrize("user_agent", ["", " ", *(row[0] for row in rows("nobody.txt"))])
def test_nobody_else_is_named(user_agent: str) -> None:
    assert REGISTRY.recognize(user_agent) is None


# --- several names, and names that cannot be --------------------------------------------------------------------


def test_a_friendly_word_does_not_buy_a_pass() -> None:
    for user_agent in ("Googlebot/2.1 GPTBot/1.4", "GPTBot/1.4 Googlebot/2.1", "GPTBot/1.4 (like Twitterbot)"):
        found = claim(user_agent)
        assert found.crawler.name == "GPTBot"
        assert {each.name for each in found.named} > {"GPTBot"}


@pytest.mark.parametrize(
    ("stricter", "laxer"),
    [
        ("GPTBot", "CCBot"),
        ("CCBot", "GoogleOther"),
        ("GoogleOther", "PerplexityBot"),
        ("PerplexityBot", "ChatGPT-User"),
        ("ChatGPT-User", "AhrefsBot"),
        ("AhrefsBot", "Twitterbot"),
        ("Twitterbot", "Googlebot"),
        ("Scrapy", "Googlebot"),
        ("Google-Extended", "GPTBot"),
    ],
)
def test_the_most_restricted_of_several_governs(stricter: str, laxer: str) -> None:
    assert named(f"{stricter}/1 {laxer}/1") == named(f"{laxer}/1 {stricter}/1") == stricter


def test_of_equals_the_first_governs_and_each_is_named_once() -> None:
    found = claim("ClaudeBot/1.0 GPTBot/1.4 ClaudeBot/1.0")
    assert [each.name for each in found.named] == ["ClaudeBot", "GPTBot"]
    assert (found.crawler.name, found.token) == ("ClaudeBot", "ClaudeBot")


def test_what_apple_messages_sends_from_a_persons_phone_is_a_preview() -> None:
    found = claim(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
        "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
    )
    assert found.crawler.purpose is Purpose.PREVIEW
    assert [each.name for each in found.named] == ["facebookexternalhit", "Facebot", "Twitterbot"]


@pytest.mark.parametrize(
    ("user_agent", "name", "parent"),
    [
        ("Mozilla/5.0 (compatible; Google-Extended/1.0; +http://x.example)", "Google-Extended", "Googlebot"),
        ("Applebot-Extended", "Applebot-Extended", "Applebot"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1) Google-Extended", "Google-Extended", "Googlebot"),
    ],
)  # fmt: skip
def test_a_request_with_a_control_token_contradicts_itself(user_agent: str, name: str, parent: str) -> None:
    found = claim(user_agent)
    assert (found.crawler.name, found.crawler.purpose) == (name, Purpose.CONTROL_TOKEN)
    assert found.contradiction == (
        f"{name} is a robots.txt token and travels in no user agent: the requests that it governs come as {parent}"
    )


def test_the_claim_keeps_the_text_as_sent() -> None:
    assert claim("mozilla/5.0 (compatible; gptBOT/1.4)").token == "gptBOT"
    assert claim("Mozilla/5.0 (compatible; gptBOT/1.4)").named[0].tokens == ("GPTBot",)


# --- signatures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('"https://chatgpt.com"', "ChatGPT agent"),
        ('"https://chatgpt.com/.well-known/http-message-signatures-directory"', "ChatGPT agent"),
        ("https://chatgpt.com", "ChatGPT agent"),
        ("chatgpt.com", "ChatGPT agent"),
        ('"HTTPS://chatgpt.com"', "ChatGPT agent"),
        ('"https://ChatGPT.com.:443/x"', "ChatGPT agent"),
        ('sig1="https://chatgpt.com";type=directory', "ChatGPT agent"),
        ('g="https://agent.bot.goog"', "Google-Agent"),
        ('a="https://nobody.example", g="https://agent.bot.goog"', "Google-Agent"),
        ('"https://xhah6q48pbxb4.keydirectory.signer.us-east-1.on.aws"', "Amazon Bedrock AgentCore Browser"),
        ('"https://rye.xyz"', "RyeBot"),
    ],
)
def test_a_registered_signer_is_named_in_either_form_of_the_field(field: str, name: str) -> None:
    found = claim(CHROME, field)
    assert (found.crawler.name, found.said_by) == (name, SaidBy.SIGNATURE_AGENT)


@pytest.mark.parametrize(
    "field",
    [
        "",
        '"',
        '"https://example.org"',
        '"https://notchatgpt.com"',
        '"https://chatgpt.com.evil.example"',
        '"https://chatgpt.com@evil.example"',
        '"https://evil.example/chatgpt.com"',
        '"https://evil.example/?https://chatgpt.com"',
        '"data:application/http-message-signatures-directory;base64,e30="',
        "\udcff\x00=;,",
        "=" * 65_536,
        '"' * 65_536,
    ],
)
def test_nobody_else_is_a_signer(field: str) -> None:
    assert REGISTRY.recognize(CHROME, field) is None


def test_both_fields_are_read_and_the_most_restricted_governs() -> None:
    found = claim("GPTBot/1.4", '"https://chatgpt.com"')
    assert (found.crawler.name, found.said_by) == ("GPTBot", SaidBy.USER_AGENT)
    assert [each.name for each in found.named] == ["GPTBot", "ChatGPT agent"]
    found = claim("Mozilla/5.0 (compatible; Googlebot/2.1)", 'g="https://agent.bot.goog"')
    assert (found.crawler.name, found.said_by, found.token) == (
        "Google-Agent",
        SaidBy.SIGNATURE_AGENT,
        "agent.bot.goog",
    )


def test_a_crawler_that_says_its_name_twice_is_named_once() -> None:
    found = claim("Mozilla/5.0 (compatible; DuckAssistBot/1.2)", '"https://assistbot.duckduckgo.com"')
    assert [each.name for each in found.named] == ["DuckAssistBot"]
    assert found.said_by is SaidBy.USER_AGENT


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GPTBot", "GPTBot"),
        (" gptbot ", "GPTBot"),
        ("kagi-fetcher", "Kagibot / kagi-fetcher"),
        ("kagibot", "Kagibot / kagi-fetcher"),
        ("grok-deepsearch", "xAI-SearchBot / Grok-DeepSearch / GrokBot / xAI-Bot"),
        ("ModelContextProtocol", "MCP fetch server"),
        ("manus-user", "Manus"),
        ("googlebot", "Googlebot"),
        ("YandexAdditional", "YandexAdditional"),
        ("exabot", "ExaBot"),
    ],
)
def test_a_crawler_is_found_by_any_of_its_names(text: str, name: str) -> None:
    crawler = REGISTRY.by_name(text)
    assert crawler is not None
    assert crawler.name == name


@pytest.mark.parametrize("text", ["", "nobody", "GPT Bot", "Kagibot /"])
def test_an_unknown_name_is_nobodys(text: str) -> None:
    assert REGISTRY.by_name(text) is None


def test_a_misspelled_name_has_a_suggestion() -> None:
    assert REGISTRY.suggest("ClaudBot") == "ClaudeBot"
    assert REGISTRY.suggest("perplexity-usr") == "Perplexity-User"
    assert REGISTRY.suggest("zzzzzzzz") is None


def test_operators_come_once_and_in_order() -> None:
    assert len(set(REGISTRY.operators)) == len(REGISTRY.operators)
    assert list(REGISTRY.operators) == sorted(REGISTRY.operators, key=str.lower)
    assert {"OpenAI", "Common Crawl Foundation", "Microsoft (assumed)"} < set(REGISTRY.operators)


def test_where_robots_txt_names_a_parent_the_own_group_comes_first() -> None:
    for name, tokens in {
        "Applebot": ("Applebot", "Googlebot"),
        "Googlebot-Image": ("Googlebot-Image", "Googlebot"),
        "GoogleOther-Video": ("GoogleOther-Video", "GoogleOther"),
        "YandexImages": ("YandexImages", "Yandex"),
    }.items():
        crawler = REGISTRY.by_name(name)
        assert crawler is not None
        assert crawler.robots_tokens == tokens


# --- a registry of one's own ------------------------------------------------------------------------------------

SMALL = b"""\
operator: Example Corp
crawlers:
- name: ExampleBot / example-fetcher
  purposes: [train]
  tokens:
  - ExampleBot
  - {text: example-fetcher, purposes: [user-fetch], robots_tokens: [example-fetcher]}
  robots_tokens: [ExampleBot]
  sources:
  - {facts: [purposes, tokens, robots_tokens], text: "https://example.com/bot", date: 2026-11-24}
"""


def test_files_of_ones_own_make_a_registry() -> None:
    registry = load_registry({"example.yaml": SMALL})
    (crawler,) = registry.crawlers
    assert (crawler.operator, crawler.file, crawler.sources[0].date) == ("Example Corp", "example.yaml", "2026-11-24")
    found = registry.recognize("example-fetcher/1.0")
    assert found is not None
    assert (found.crawler.name, found.crawler.purpose) == (crawler.name, Purpose.USER_FETCH)
    assert found.crawler.robots_tokens == ("example-fetcher",)
    assert registry.recognize("GPTBot/1.4") is None


def test_a_registry_of_nobody_names_nobody() -> None:
    registry: Registry = load_registry({})
    assert registry.recognize("GPTBot/1.4", '"https://chatgpt.com"') is None
    assert (registry.by_name("GPTBot"), registry.suggest("GPTBot"), registry.operators) == (None, None, ())
