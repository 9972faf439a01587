"""All documents of one policy at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.compilers.documents import compile_documents
from optout.crawlers.registry import bundled_registry
from optout.lint.runner import lint_robots, lint_tdmrep
from optout.policy.loader import load_policy
from tests.compilers.documents.published import NO_TRAINING, documents

URLS = "license: /license.xml\ntdm_policy: https://site.example/tdm.json\n"


def test_every_document_is_made_and_has_its_type() -> None:
    made = documents(f"{URLS}{NO_TRAINING}")
    assert {path: served.media_type.partition(";")[0] for path, served in made.files.items()} == {
        "/.well-known/tdmrep.json": "application/json",
        "/ai.txt": "text/plain",
        "/license.xml": "application/rsl+xml",
        "/robots.txt": "text/plain",
        "/tdm.json": "application/ld+json",
    }


def test_robots_txt_is_always_made_and_nothing_else_that_would_say_nothing() -> None:
    assert set(documents("").files) == {"/robots.txt"}
    assert documents("").sections == ()


@pytest.mark.parametrize("default", ["allow", "deny"])
def test_our_own_linters_find_no_mistake(default: str) -> None:
    clauses = "clauses: [{action: allow, purpose: train, path: /press/}, {action: deny, path: '*.jpg$'}]\n"
    made = documents(f"{URLS}{clauses}", default)
    found = lint_robots(made.files["/robots.txt"].data, bundled_registry())
    # Names outside the grammar, control tokens, crawlers that do not obey, and the full set for every path: all meant.
    assert {finding.code for finding in found} <= {"RT108", "RT301", "RT302", "RT409"}
    assert lint_tdmrep(made.files["/.well-known/tdmrep.json"].data) == ()


def test_what_lies_elsewhere_is_named_and_not_made() -> None:
    elsewhere = "license: https://other.example/l.xml\ntdm_policy: https://other.example/t.json\n"
    made = documents(f"{elsewhere}{NO_TRAINING}")
    assert set(made.files) == {"/robots.txt", "/.well-known/tdmrep.json", "/ai.txt"}
    assert b"License: https://other.example/l.xml\n" in made.files["/robots.txt"].data
    assert b'"tdm-policy": "https://other.example/t.json"' in made.files["/.well-known/tdmrep.json"].data


def test_the_same_policy_makes_the_same_bytes() -> None:
    assert documents(f"{URLS}{NO_TRAINING}") == documents(f"{URLS}{NO_TRAINING}")


def test_the_example_of_the_docs_makes_what_they_say() -> None:
    page = Path("docs/documents.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    shown = "".join(line[4:] for line in page.partition("a group that ends so:\n\n")[2].splitlines(keepends=True)[:6])
    policy = load_policy(example.encode(), "policy.yaml", bundled_registry())
    made = compile_documents(policy, bundled_registry(), authority="photos.example")
    groups = made.files["/robots.txt"].data.decode().split("\n\n")
    assert shown.count("\n") == 6
    assert any("User-agent: GPTBot\n" in group and f"{group}\n".endswith(shown) for group in groups)
