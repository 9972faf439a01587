"""The catalogs: complete, current, and with the same places to fill in as the sentences in the code."""

from __future__ import annotations

import importlib.util
import io
import string
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from optout.errors import UsageError
from optout.report.language import DOMAIN, LANGUAGES, language

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "generate_catalogs.py"
TRANSLATED = [tag for tag in LANGUAGES if tag != "en"]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_catalogs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_sentence_has_a_translation_with_the_same_places(tag: str, script: ModuleType) -> None:
    say = language(tag)
    catalog = read_po(io.BytesIO((script.LOCALE / tag / "LC_MESSAGES" / f"{DOMAIN}.po").read_bytes()))
    for sentence in script.sentences():
        found = catalog.get(sentence)
        assert found is not None, sentence
        assert found.string, sentence
        assert say(sentence) == found.string
        assert _places(str(found.string)) == _places(sentence), sentence


@pytest.mark.parametrize("tag", TRANSLATED)
def test_the_catalog_is_current_and_compiled(tag: str, script: ModuleType) -> None:
    place, made = script.LOCALE / tag / "LC_MESSAGES", script.current(tag)
    assert (place / f"{DOMAIN}.po").read_bytes() == script.text(made), "run `make generated`"
    compiled = read_mo(io.BytesIO((place / f"{DOMAIN}.mo").read_bytes()))
    assert {each.id: each.string for each in compiled if each.id} == {each.id: each.string for each in made if each.id}


def test_english_is_what_stands_in_the_code() -> None:
    assert language("en")("Any sentence") == "Any sentence"


def test_a_sentence_that_nobody_translated_stays_english() -> None:
    assert language("de")("No catalog has this.") == "No catalog has this."


@pytest.mark.parametrize("tag", ["fr", "", "../de", "de_DE"])
def test_another_language_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="catalog"):
        language(tag)


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
