"""policy.draft: a file as far as it can be understood."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from optout.cli.policy_words import compiled
from optout.crawlers.registry import bundled_registry
from optout.policy.draft import UNKNOWN_TENANT, Draft, is_stand_in, read_draft
from optout.policy.model import Mode
from optout.policy.vocabulary import vocabulary

GOOD = sorted((Path(__file__).parent.parent / "cases" / "policy" / "good").glob("*.yaml"))
HEAD = "version: 1\ndefault: allow\non_error: allow\n"


def _read(text: str) -> Draft:
    return read_draft(text.encode(), "policy.yaml", vocabulary(bundled_registry()))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_right_file_means_what_stands_beside_it(path: Path) -> None:
    data = path.read_bytes()
    draft = read_draft(data, path.name, vocabulary(bundled_registry()))
    assert draft.problems == ()
    assert draft.policy is not None
    found = compiled(draft.policy)
    assert found.pop("digest") == hashlib.sha256(data).hexdigest()
    assert found == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_a_right_file_is_a_policy_and_no_stand_in() -> None:
    draft = _read(HEAD)
    assert draft.policy is not None
    assert not is_stand_in(draft.policy)
    assert str(draft.policy.default_place) == "policy.yaml:2"


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        (HEAD + "sites: [a.example, b.example]\nmode: enforced\n", ("a.example", "b.example")),
        (HEAD + "sites: a.example\nmode: enforced\n", ("a.example",)),
        (HEAD + "sites: [a.example, 'no site', 3]\n", ("a.example", "3")),
        (HEAD + "sites: [a.example]\nterms: 'open\n", ("a.example",)),
        (HEAD + "sites: [a.example]\nsites: [b.example]\n", ("a.example",)),
        (HEAD + "mode: enforced\n", ("*",)),
        (HEAD + "terms: 'open\n", ()),
        (HEAD + "sites: {a: b}\n", ()),
        (HEAD + "sites: *a\n", ()),
        ("", ()),
        ("- sites: a.example\n", ()),
    ],
)
def test_of_a_broken_file_the_sites_that_can_be_read_are_observed(text: str, sites: tuple[str, ...]) -> None:
    draft = _read(text)
    assert draft.policy is None
    assert draft.problems
    assert draft.sites == sites
    if draft.stand_in is None:
        assert sites == ()
    else:
        assert draft.stand_in.mode is Mode.OBSERVE
        assert draft.stand_in.sites == sites
        assert is_stand_in(draft.stand_in)


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        ("sites: a.example\nmode: x\n", "default"),
        ("sites: a.example\ntenant: me\nmode: x\n", "me"),
        ("sites: a.example\ntenant: a b\nmode: x\n", UNKNOWN_TENANT),
        ("sites: a.example\nterms: 'open\ntenant: me\n", UNKNOWN_TENANT),
    ],
)
def test_evidence_about_a_broken_file_never_goes_to_another_tenant(text: str, tenant: str) -> None:
    draft = _read(HEAD + text)
    assert draft.stand_in is not None
    assert draft.stand_in.tenant == tenant


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("terms: /terms#a\nlicense: /l.xml\n", {"/terms", "/l.xml"}),
        ("sites: a.example\nterms: https://a.example/terms\nlicense: https://b.example/l.xml\n", {"/terms"}),
        ("terms: https://a.example/terms\ncontact: https://a.example\nlicense: https://a.example/l?x\n", {"/terms"}),
        ("sites: a.example\nlicense: /l\nlicense_server: /olp\n", {"/l", "/olp/token"}),
        ("sites: a.example\nlicense: /l\nlicense_server: https://a.example\n", {"/l", "/token"}),
        ("license: /l\nlicense_server: https://l.example/\nsites: a.example\n", {"/l"}),
        ("contact: me@a.example\n", set()),
    ],
)
def test_pages_of_the_site_that_the_policy_names_stay_open(text: str, paths: set[str]) -> None:
    draft = _read(HEAD + text)
    assert draft.policy is not None, draft.problems
    assert draft.policy.always_open == paths
