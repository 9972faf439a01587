"""What documents cannot say is told with its line, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from optout.compilers.documents import compile_documents
from optout.crawlers.registry import bundled_registry
from tests.compilers.documents.published import codes, documents, policy
from tests.judge import SITE

ALWAYS = {"open-files", "token-outside-grammar", "no-token", "one-bit"}


def test_a_policy_that_refuses_nobody_loses_nothing() -> None:
    assert codes(documents("")) == []


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("{action: deny, mode: observe}", "observed-clause"),
        ("{action: deny, standing: verified}", "standing-clause"),
        ("{action: throttle, rate: 60/minute}", "rate-clause"),
        ("{action: deny, method: POST}", "method-clause"),
        ("{action: deny, method: [GET, HEAD]}", "method-clause"),
        ("{action: require-license}", "license-as-disallow"),
        ("{action: allow}", "no-permission"),
        ("{action: published}", "published-clause"),
        ("{action: deny, crawler: GPTBot}", "names-nobody"),
        ('{action: deny, path: "/*.jpg"}', "use-by-pattern"),
    ],
)
def test_a_clause_that_cannot_be_said_is_named_with_its_line(clause: str, code: str) -> None:
    made = documents(f"clauses:\n  - {clause}\n")
    found = [loss for loss in made.losses if loss.text.startswith("policy.yaml:7 ")]
    assert [loss.code for loss in found] == [code]
    assert all(loss.remedy for loss in made.losses)


@pytest.mark.parametrize(
    ("more", "default", "code"),
    [
        ("", "deny", "open-files"),
        ("", "deny", "no-token"),
        ("", "deny", "token-outside-grammar"),
        ("", "deny", "one-bit"),
        ("license: /license.xml\n", "deny", "license-silence"),
        ("", "require-license", "license-as-disallow"),
        ("clauses: [{action: deny, purpose: user-fetch}]\n", "allow", "shared-token"),
        ('clauses: [{action: deny, path: "/*.jpg"}]\n', "allow", "read-by-python"),
        ('clauses: [{action: deny, path: "/a%2Fb"}]\n', "allow", "escapes"),
        ('clauses: [{action: allow, path: "/a$"}, {action: deny, path: "/*a"}]\n', "allow", "too-short"),
    ],
)  # fmt: skip
def test_what_formats_and_readers_lack_is_told(more: str, default: str, code: str) -> None:
    assert code in codes(documents(more, default))


def test_every_code_is_in_the_docs() -> None:
    source = Path("src/optout/compilers/documents/lost.py").read_text(encoding="utf-8")
    written = set(re.findall(r'_loss\(\s*"([a-z-]+)"', source))
    table = set(re.findall(r"^\| `([a-z-]+)` \|", Path("docs/documents.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert written
    assert written <= table


def test_a_reservation_that_refuses_is_told_where_a_clause_hands_on() -> None:
    made = documents("on_reservation: deny\nclauses: [{action: published}]\n")
    assert any("the reservation refuses" in loss.text for loss in made.losses)


def test_a_robots_txt_that_nobody_reads_to_its_end_is_told() -> None:
    made = msgspec.structs.replace(policy(""), robots_base="User-agent: x\n" + f"Disallow: /{'a' * 900}\n" * 600)
    found = compile_documents(made, bundled_registry(), authority=SITE)
    assert "too-long" not in codes(found)  # the same rule again and again is one
    rules = "".join(f"Disallow: /{number}{'a' * 900}\n" for number in range(600))
    made = msgspec.structs.replace(made, robots_base=f"User-agent: x\n{rules}")
    assert "too-long" in codes(compile_documents(made, bundled_registry(), authority=SITE))
