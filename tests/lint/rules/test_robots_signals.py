"""RT4xx: signals in robots.txt."""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.runner import lint_robots


def _found(text: str) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in lint_robots(text.encode(), bundled_registry())]


def test_whole_urls_are_fine() -> None:
    assert _found("User-agent: *\nAllow: /\nSitemap: http://x/s\nLicense: https://x/l\n") == []
    assert _found("User-agent: *\nAllow: /\nLicense: http://x/l\n") == [("RT402", 3)]


def test_a_signal_in_every_group_is_fine() -> None:
    signal = "Allow: /\nContent-Signal: ai-train=no\n"
    assert _found(f"User-agent: *\n{signal}\nUser-agent: a\n{signal}") == []
    assert _found(f"User-agent: *\n{signal}\nUser-agent: a\nAllow: /\n") == [("RT404", 5)]


def test_what_is_wrong_with_a_signal_has_its_column() -> None:
    (finding,) = lint_robots(b"User-agent: *\nAllow: /\nContent-Signal: ai-train=maybe\n", bundled_registry())
    assert (finding.code, finding.line, finding.column > 0) == ("RT405", 3, True)


def test_a_license_before_all_groups_or_in_everybody_s_is_everybody_s() -> None:
    named = "User-agent: a\nDisallow: /\n"
    assert ("RT407", 1) not in _found(f"License: https://x/l\n\n{named}")
    assert ("RT407", 5) not in _found(f"{named}User-agent: *\nAllow: /\nLicense: https://x/l\n")
    assert ("RT407", 4) in _found(f"{named}\nLicense: https://x/l\n")
