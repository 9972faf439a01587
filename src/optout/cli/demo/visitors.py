"""Who comes to the sample site: what real traffic looks like, and what each must be told.

The user agents are those that the operators send (crawlers.csv); the browsers are current ones.
"""

from __future__ import annotations

from dataclasses import dataclass

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
_CLAUDEBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
_OAI_SEARCH = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36; compatible; OAI-SearchBot/1.4; +https://openai.com/searchbot"
)
_CHATGPT_USER = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot"
)
_PERPLEXITY_USER = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0; "
    "+https://perplexity.ai/perplexity-user)"
)
_GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_BINGBOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
_META = "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)"
_BYTESPIDER = (
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)"
)


_EXTENDED = "Mozilla/5.0 (compatible; Google-Extended/1.0; +http://www.google.com/bot.html)"
_FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers; like FeedFetcher-Google)"
_ARCHIVE = "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)"
_FACEBOOK = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request and what it must be told. `reason` is the deciding reason's code; "" for whoever leaves no trace."""

    who: str
    user_agent: str
    path: str
    status: int
    reason: str = ""
    source: str = ""
    method: str = "GET"


def _handed_out(who: str, user_agent: str, path: str) -> Visit:
    """A recorded visit against which nothing speaks."""
    return Visit(who=who, user_agent=user_agent, path=path, status=200, reason="default", source="policy.yaml:5")


def _disallowed(who: str, user_agent: str, path: str, line: int, method: str = "GET") -> Visit:
    """A visit that a line of robots.txt refuses."""
    return Visit(
        who=who,
        user_agent=user_agent,
        path=path,
        method=method,
        status=403,
        reason="robots-disallow",
        source=f"robots.txt:{line}",
    )


def _left_alone(who: str, user_agent: str, path: str) -> Visit:
    """A visit that passes and leaves no trace."""
    return Visit(who=who, user_agent=user_agent, path=path, status=200)


VISITS = (
    _left_alone("a person, Chrome", CHROME, "/"),
    _left_alone("a person, iPhone", SAFARI, "/gallery/heron.png"),
    _left_alone("Googlebot", _GOOGLEBOT, "/gallery/"),
    _left_alone("bingbot", _BINGBOT, "/journal/"),
    Visit(who="GPTBot", user_agent=GPTBOT, path="/robots.txt", status=200, reason="always-open"),
    _handed_out("GPTBot", GPTBOT, "/journal/"),
    _disallowed("GPTBot", GPTBOT, "/gallery/heron.png", 12),
    _disallowed("GPTBot, odd path", GPTBOT, "//gallery/heron.png", 12),
    _disallowed("ClaudeBot", _CLAUDEBOT, "/gallery/", 12, method="HEAD"),
    _disallowed("CCBot", "CCBot/2.0 (https://commoncrawl.org/faq/)", "/gallery/", 12),
    Visit(
        who="meta-externalagent",
        user_agent=_META,
        path="/gallery/heron.png",
        status=402,
        reason="reservation-refused",
        source="tdmrep.json:2",
    ),
    Visit(who="Bytespider", user_agent=_BYTESPIDER, path="/", status=402, reason="clause", source="policy.yaml:14"),
    _handed_out("OAI-SearchBot", _OAI_SEARCH, "/gallery/"),
    _handed_out("ChatGPT-User", _CHATGPT_USER, "/gallery/"),
    _disallowed("ChatGPT-User", _CHATGPT_USER, "/members/", 16),
    _handed_out("Perplexity-User", _PERPLEXITY_USER, "/drafts/spring"),
    _disallowed("two names in one", f"{GPTBOT} {_GOOGLEBOT}", "/gallery/", 12),
    _disallowed("a control token", _EXTENDED, "/journal/", 20),
    _left_alone("Feedly, a feed reader", _FEEDLY, "/feed.xml"),
    _left_alone("Internet Archive", _ARCHIVE, "/gallery/"),
    _left_alone("Facebook link preview", _FACEBOOK, "/gallery/heron.png"),
)
