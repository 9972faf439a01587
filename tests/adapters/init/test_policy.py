"""The written policy is a ready stance with the owner's own words in it, and is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.init.policy import load_written, policy_text
from optout.adapters.policy_files import ready_stances
from optout.crawlers.registry import bundled_registry
from optout.errors import UsageError
from optout.policy.model import Mode
from tests.owners import answers

REGISTRY = bundled_registry()


@pytest.mark.parametrize("stance", ready_stances())
@pytest.mark.parametrize("observe", [True, False])
@pytest.mark.parametrize(("contact", "terms"), [("", ""), ("anna@photos.example", "https://photos.example/terms")])
def test_every_stance_takes_every_answer(tmp_path: Path, stance: str, observe: bool, contact: str, terms: str) -> None:
    said = answers(tmp_path, stance=stance, observe=observe, contact=contact, terms=terms)
    text = policy_text(said)
    policy = load_written(text, REGISTRY)
    assert policy.sites == ("photos.example", "www.photos.example")
    assert policy.mode is (Mode.OBSERVE if observe or stance == "observe" else Mode.ENFORCE)
    assert contact in (policy.contact or "")
    assert terms in (policy.terms or "")
    assert text.count("\nsites:") == 1
    assert text.startswith("# ")  # the remarks stay


@pytest.mark.parametrize("contact", ["two\nlines", "\x1b[2J", "x" * 5000, "\u202e"])
def test_an_answer_that_makes_no_sound_policy_is_an_error_in_words(tmp_path: Path, contact: str) -> None:
    with pytest.raises(UsageError, match="not sound"):
        load_written(policy_text(answers(tmp_path, contact=contact)), REGISTRY)


@pytest.mark.parametrize("word", ["\\1 \\g<0>", "a: b # c", '"quoted"', "{x}"])
def test_an_answer_is_never_read_as_syntax(tmp_path: Path, word: str) -> None:
    text = policy_text(answers(tmp_path, contact=word, terms=""))
    try:
        policy = load_written(text, REGISTRY)
    except UsageError:
        return
    assert policy.contact == word
