"""policy.yaml_syntax: YAML's complaints in words, whichever scanner complains."""

from __future__ import annotations

import pytest
import yaml

from optout.policy.yaml_positions import FAST_LOADER, parse_yaml


@pytest.mark.parametrize("loader", [yaml.SafeLoader, FAST_LOADER], ids=["PyYAML", "libyaml"])
@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("a: b: c\n", 1, "a second `:`", '"quotes"'),
        ("a: b\n  c: d\n", 2, "indented too far", "neighbors"),
        ("a: b\nc: 'd\ne: f\n", 2, "never closed", "close it"),
        ('a: "b\n', 1, "never closed", "close it"),
        ("a:\n  - *.b\n", 2, "begins the text", '"quotes"'),
        ("a: &.b\n", 1, "begins the text", '"quotes"'),
        ("a: @b\n", 1, "keeps for itself", '"quotes"'),
        ("a: `b`\n", 1, "keeps for itself", '"quotes"'),
        ("a: %b\n", 1, "keeps for itself", '"quotes"'),
        ("a: [b\nc: d\n", 1, "opened here and not closed", "close it"),
        ("a: {b: c\n", 1, "opened here and not closed", "close it"),
        ("a: b\nc\nd: e\n", 2, "neither `key: value` nor", "add the `:`"),
        ("a:\n  - b\n c: d\n", 3, "does not continue", "line it up"),
        ("a: 'it's'\n", 1, "does not continue", '"quotes"'),
        ("a: - b\n", 1, "does not continue", "line it up"),
        ("\ta: b\n", 1, "a tab", "blanks"),
        ("a:\n\tb: c\n", 2, "a tab", "blanks"),
        ("a:\n  - b\n\t- c\n", 3, "a tab", "blanks"),
        ('a: "\\q"\n', 1, "this is not YAML", "policies/"),
    ],
)
def test_a_mistake_is_named_in_plain_words(
    text: str, line: int, what: str, remedy: str, loader: type[yaml.SafeLoader]
) -> None:
    (problem,) = parse_yaml(text.encode(), "a.yaml", loader).problems
    assert problem.line == line
    assert what in problem.text
    assert remedy in problem.remedy
