"""Entries keep their word, or it is said which does not."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers import check
from optout.crawlers.check import check_entries
from optout.crawlers.entries import load_entries
from optout.crawlers.registry import bundled_registry, extended
from optout.errors import RegistryError

OWN = """\
operator: Example Corp
crawlers:
- name: Own Bot
  purposes: [train]
  tokens: [OwnBot]
  rdns_suffixes: [.crawl.own.example]
  examples: ["Mozilla/5.0 (compatible; OwnBot/1.0)"]
  sources:
  - {facts: [purposes, tokens, rdns_suffixes], text: my log, date: 2026-11-27}
"""


def faults(text: str) -> tuple[str, ...]:
    bundled = bundled_registry()
    found = extended(bundled, {"own.yaml": text.encode()})
    return check_entries(found, found.crawlers[len(bundled.crawlers) :])


def test_the_bundled_registry_keeps_its_word() -> None:
    registry = bundled_registry()
    assert check_entries(registry, registry.crawlers) == ()


def test_a_sound_entry_is_found_beside_the_bundled_ones() -> None:
    assert faults(OWN) == ()
    bundled, found = bundled_registry(), extended(bundled_registry(), {"own.yaml": OWN.encode()})
    claim = found.recognize("OwnBot/2.0")
    assert claim is not None
    assert (claim.crawler.name, claim.crawler.operator, claim.crawler.file) == ("Own Bot", "Example Corp", "own.yaml")
    assert found.sha256 != bundled.sha256
    assert found.crawlers[: len(bundled.crawlers)] == bundled.crawlers
    assert bundled.recognize("OwnBot/2.0") is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("OwnBot/1.0", "GPTBot/1.0", "its example 'Mozilla/5.0 (compatible; GPTBot/1.0)' names GPTBot"),
        ("OwnBot/1.0", "Nobody/1.0", "its example 'Mozilla/5.0 (compatible; Nobody/1.0)' names nobody"),
        ("[OwnBot]", "[OwnBot, Safari]", "it names people: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)"),
        ("[OwnBot]", "[OwnBot, Mozilla]", "it names people: "),
        ("[OwnBot]", "[OwnBot, Spider]", "it takes examples of "),
        ("[OwnBot]", "[OwnBot, {text: Never, unless: Never}]", "its token 'Never' is not found in any user agent"),
        (".crawl.own.example", ".co.uk", "anybody can have a name below .co.uk"),
        (".crawl.own.example", ".github.io", "anybody can have a name below .github.io"),
        (".crawl.own.example", ".herokuapp.com", "anybody can have a name below .herokuapp.com"),
    ],
)
def test_what_does_not_keep_its_word_is_named(old: str, new: str, expected: str) -> None:
    assert OWN.count(old) >= 1
    found = faults(OWN.replace(old, new))
    assert any(each.startswith(f"own.yaml: Own Bot: {expected}") for each in found), found


def test_whoever_has_a_site_below_a_public_suffix_controls_that() -> None:
    assert faults(OWN.replace(".crawl.own.example", ".own.github.io")) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Own Bot", "GPTBot", "'gptbot' is claimed by GPTBot in openai.yaml, too"),
        ("[OwnBot]", "[gptbot]", "'gptbot' is claimed by GPTBot in openai.yaml, too"),
        ("operator: Example Corp\n", "", "nobody operates it"),
        ("text: my log", "text: ''", "a source without text"),
    ],
)
def test_nothing_is_taken_from_the_bundled_ones(old: str, new: str, expected: str) -> None:
    with pytest.raises(RegistryError, match=expected):
        faults(OWN.replace(old, new))


def test_without_the_list_of_public_suffixes_names_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, fresh_list: None
) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: object) -> object:
        if name == "publicsuffixlist":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", lacking)
    assert faults(OWN.replace(".crawl.own.example", ".co.uk")) == ()


@pytest.fixture
def fresh_list() -> Iterator[None]:
    """The list is looked for anew, now and afterwards."""
    check._public_suffixes.cache_clear()
    yield
    check._public_suffixes.cache_clear()


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_nothing_but_a_registry_error_comes_of_any_file(data: bytes) -> None:
    with suppress(RegistryError):
        load_entries({"own.yaml": data})


@pytest.mark.parametrize(
    "text",
    [
        "operator: x\ncrawlers:\n- {name: a, date: 2026-02-30}",
        "operator: x\ncrawlers:\n- {? [a] : b}",
        "operator: x\ncrawlers: &a [*a]",
        "[" * 5000,
        "operator: x\ncrawlers:\n- 5",
        "\ud800",
    ],
)
def test_odd_yaml_is_an_error_with_the_file_s_name(text: str) -> None:
    with pytest.raises(RegistryError, match=r"own\.yaml"):
        load_entries({"own.yaml": text.encode("utf-8", "surrogatepass")})
