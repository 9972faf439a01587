"""policy.cases: an owner's own tests of a policy, as a file."""

from __future__ import annotations

import pytest

from optout.errors import PolicyError
from optout.policy.cases import Expectation, load_cases


def _problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_cases(text.encode(), "cases.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_case_takes_what_it_does_not_say_from_the_file() -> None:
    text = """
site: photos.example
robots: "User-agent: *"
cases:
  - path: /a
    user_agent: GPTBot/1.4
    expect: {action: deny}
  - url: https://other.example/b
    user_agent: CCBot/2.0
    method: HEAD
    headers: {Accept: text/html}
    robots: ""
    tdmrep: "[]"
    expect: {clause: default, status: 200}
"""
    first, second = load_cases(text.encode(), "cases.yaml")
    assert (first.url, first.method, first.headers) == ("https://photos.example/a", "GET", ())
    assert (first.robots, first.tdmrep) == ("User-agent: *", None)
    assert first.expect == Expectation(action="deny")
    assert str(first.place) == "cases.yaml:5"
    assert (second.url, second.method) == ("https://other.example/b", "HEAD")
    assert second.headers == (("Accept", "text/html"),)
    assert (second.robots, second.tdmrep) == ("", "[]")
    assert second.expect == Expectation(clause="default", status=200)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cases.yaml: nothing stands here - write it out, or delete the line"),
        ("cases: []\n", "cases.yaml:1: there is no case - begin each case with `- `"),
        (
            "cases:\n  - {user_agent: a, expect: {status: 200}}\n",
            "cases.yaml:2: a case needs a `url:`, or a `path:` on the site - give one of the two",
        ),
        (
            "cases:\n  - {path: a, user_agent: a, expect: {status: 200}}\n",
            "cases.yaml:2: `path` does not begin with / - write /gallery/1.jpg",
        ),
        (
            "cases:\n  - {url: a.example/b, user_agent: a, expect: {status: 200}}\n",
            "cases.yaml:2: `url` is not absolute - begin with https://, or give `path:`",
        ),
        (
            "cases:\n  - path: /\n    user_agent: a\n    expect: {}\n",
            "cases.yaml:4: `expect`: nothing is expected - add `action:`, `clause:` or `status:`",
        ),
        (
            "cases:\n  - path: /\n    user_agent: a\n    expect: {acton: deny}\n",
            "cases.yaml:4: unknown key `acton` - did you mean action?",
        ),
        (
            "cases:\n  - path: /\n    user_agent: a\n    expect: {status: many}\n",
            "cases.yaml:4: `status` has many where a number is wanted - write digits only",
        ),
        (
            "cases:\n  - path: /\n    user_agent: a\n    expect: {action: block}\n",
            "cases.yaml:4: `action` is `block`, which is not one of allow, deny, require-license - did you mean deny?",
        ),
        ("cases:\n  - path: 'open\n", "cases.yaml:2: a quote is opened and never closed - close it"),
    ],
)
def test_a_wrong_file_of_cases_is_explained(text: str, problem: str) -> None:
    assert problem in _problems(text)
