"""RT4xx: signals in robots.txt."""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.base import RobotsSource
from optout.lint.rules.robots_signals import SIGNALS
from optout.lint.runner import lint, lint_robots
from tests.calls import calls_of


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


def test_a_license_for_all_or_for_every_group_is_fine() -> None:
    line, group = "License: https://x/l\n", "User-agent: a\nAllow: /\n"
    assert _found(f"{line}User-agent: *\nAllow: /\n\n{group}") == []
    assert _found(f"{line}User-agent: *\nAllow: /\n{line}\n{group}") == []
    assert _found(f"User-agent: *\nAllow: /\n{line}\n{group}{line}") == []


def test_a_license_that_a_group_does_not_read_is_told_at_the_group() -> None:
    assert _found("User-agent: *\nAllow: /\nLicense: https://x/l\n\nUser-agent: a\nAllow: /\n") == [("RT407", 5)]


def test_signals_contradict_each_other_within_one_group_and_path_alone() -> None:
    everybody, signal, usage = (
        "User-agent: *\nAllow: /\n",
        "Content-Signal: ai-train=yes\n",
        "Content-Usage: train-ai=n\n",
    )
    assert _found(f"{everybody}{signal}{usage}") == [("RT408", 3)]
    assert _found(f"{everybody}{signal}{usage.replace('=n', '=y')}") == []
    assert ("RT408", 3) not in _found(f"{everybody}{signal}\nUser-agent: a\nAllow: /\n{usage}")
    assert ("RT408", 3) not in _found(f"{everybody}{signal}{usage.replace('train', '/x train')}")


def test_a_preference_for_what_may_be_fetched_is_fine() -> None:
    usage = "Content-Usage: /x/ train-ai=n\n"
    assert ("RT409", 3) in _found(f"User-agent: *\nDisallow: /x\n{usage}")
    assert ("RT409", 3) not in _found(f"User-agent: *\nDisallow: /y\n{usage}")
    assert ("RT409", 3) not in _found("User-agent: *\nDisallow: /\nContent-Usage: train-ai=n\n")


def test_many_preferences_and_many_rules_do_not_multiply() -> None:
    def work(count: int) -> int:
        lines = "".join(f"Disallow: /*a{n}\nContent-Usage: /b{n} train-ai=n\nLicense: x\n" for n in range(count))
        data = f"User-agent: a\n{lines}".encode()
        return calls_of(lambda: lint(SIGNALS, RobotsSource(data, bundled_registry())))

    few, many = work(400), work(800)
    assert many < 2.3 * few
