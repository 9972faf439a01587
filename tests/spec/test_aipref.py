"""AIPREF, draft-ietf-aipref-vocab-08 and draft-ietf-aipref-attach-05, section by section (by their headings)."""

from __future__ import annotations

import pytest

from optout.messages import Fields
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.aipref import ContentUsageMatcher, parse_content_usage, parse_content_usage_fields
from optout.signals.preference import Preference, Usage, preference_for

Y, N, U = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN


def header(*values: str) -> tuple[Preference, Preference, Preference]:
    """What a field says of train-ai, search and ai-use."""
    statements, _ = parse_content_usage_fields(Fields(tuple(("Content-Usage", value) for value in values)))
    return tuple(preference_for(statements, usage) for usage in (Usage.TRAIN, Usage.SEARCH, Usage.INPUT))  # type: ignore[return-value]


class Site:
    """A robots.txt, asked for a path."""

    def __init__(self, *lines: str) -> None:
        robots = parse_robots("\n".join(lines).encode())
        self.crawl = RobotsMatcher(robots)
        self.usage = ContentUsageMatcher(robots, parse_content_usage(robots))

    def train(self, target: str, token: str = "Any") -> tuple[bool, Preference]:
        bound = self.crawl.match((token,), target)
        return bound.allowed, preference_for(self.usage.match(bound, target), Usage.TRAIN)


class TestExemplarySerializationFormat:
    """vocab-08, sections "Usage Category Labels", "Preference Labels" and "Processing Algorithm"."""

    @pytest.mark.parametrize(
        ("value", "train", "search"),
        [
            ("train-ai=n", N, U),
            ("train-ai=y, search=n", Y, N),
            ("train-ai=y, train-ai=n", N, U),
            ("train-ai=n, train-ai=y", Y, U),
            ("train-ai;allow=n, train-ai=y", Y, U),
            ("train-ai", U, U),
            ('train-ai="n"', U, U),
            ("train-ai=?0", U, U),
            ("train-ai=0", U, U),
            ("train-ai=(n)", U, U),
            ("train-ai=N", U, U),
            ("train-ai=no", U, U),
            ('train-ai=y, train-ai, search=n, search="n"', U, U),
            ("Train-AI=n", U, U),
            ("train-ai=n,", U, U),
            ("train-ai=n search=y", U, U),
            ('foo=y, search=y;x="?"', U, Y),
        ],
    )
    def test_the_vectors(self, value: str, train: Preference, search: Preference) -> None:
        assert header(value)[:2] == (train, search)
        site = Site("User-agent: *", f"Content-Usage: {value}")
        assert site.train("/") == (True, train)

    def test_ai_use_is_a_category_of_its_own(self) -> None:
        assert header("ai-use=n") == (U, U, N)


class TestContentUsageField:
    """attach-05, section "HTTP Content-Usage Header Field"."""

    def test_several_lines_are_one_dictionary(self) -> None:
        assert header("train-ai=n", "search=y") == (N, Y, U)
        assert header("train-ai=n", "train-ai=y") == (Y, U, U)
        assert header("train-ai=n", "search=") == (U, U, U)


class TestContentUsageRule:
    """attach-05, sections "Content-Usage Rule Semantics", "Processing Content-Usage Rules" and "Example"."""

    EXAMPLE = (
        "User-Agent: *",
        "Allow: /",
        "Disallow: /never/",
        "Content-Usage: train-ai=n",
        "Content-Usage: /ai-ok/ train-ai=y",
        "",
        "User-Agent: ExampleBot",
        "Allow: /",
        "Content-Usage: train-ai=y",
    )

    @pytest.mark.parametrize(
        ("path", "crawl", "train"), [("/test", True, N), ("/never/test", False, U), ("/ai-ok/test", True, Y)]
    )
    def test_the_example(self, path: str, crawl: bool, train: Preference) -> None:
        assert Site(*self.EXAMPLE).train(path) == (crawl, train)
        assert Site(*self.EXAMPLE).train(path, "ExampleBot") == (True, Y)

    def test_preferences_are_not_merged_across_path_lengths(self) -> None:
        site = Site("User-agent: *", "Content-Usage: train-ai=n", "Content-Usage: /blog/ search=y")
        assert site.train("/blog/x") == (True, U)
        assert site.train("/x") == (True, N)

    @pytest.mark.parametrize("values", [("y", "n"), ("n", "y")])
    def test_identical_paths_are_combined_restrictively(self, values: tuple[str, str]) -> None:
        site = Site("User-agent: *", *(f"Content-Usage: /a train-ai={value}" for value in values))
        assert site.train("/a") == (True, N)

    def test_a_rule_ends_the_list_of_user_agents(self) -> None:
        site = Site("User-agent: a", "Content-Usage: train-ai=n", "User-agent: b", "Content-Usage: train-ai=y")
        assert site.train("/", "a") == (True, N)
        assert site.train("/", "b") == (True, Y)

    def test_blanks_around_the_label_and_a_comment_do_not_count(self) -> None:
        assert Site("User-agent: *", " content-USAGE \t:\t/ \t train-ai=n # or not").train("/") == (True, N)
