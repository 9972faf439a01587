"""RT1xx; that each finds its example is tested in test_runner."""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.runner import fix_robots, lint_robots


def _places(data: bytes, code: str) -> list[int]:
    return [finding.line for finding in lint_robots(data, bundled_registry()) if finding.code == code]


def test_long_lines_rules_and_files() -> None:
    head = b"User-agent: *\n"
    assert _places(head + b"Disallow: /" + b"a" * 1100, "RT117") == [2]
    assert _places(head + b"Disallow: /a\n" * 2100, "RT118") == [0]
    assert _places(head + b"Disallow: /a\n" * 60_000, "RT101") != []


def test_a_fix_touches_the_values_of_rules_and_nothing_else() -> None:
    data = (
        "# caf\u00e9\nUser-agent: caf\u00e9\nDisallow: /caf\u00e9 # caf\u00e9\r\nSitemap: https://x/\u00e9\n".encode()
    )
    fixed = (
        "# caf\u00e9\nUser-agent: caf\u00e9\nDisallow: /caf%C3%A9 # caf\u00e9\r\nSitemap: https://x/\u00e9\n".encode()
    )
    assert fix_robots(data) == fixed


def test_escapes_of_letters_are_decoded_and_others_stay() -> None:
    assert fix_robots(b"User-agent: *\nAllow: /%62%2F%7e%25\n") == b"User-agent: *\nAllow: /b%2F~%25\n"
