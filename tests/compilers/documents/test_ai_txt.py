"""A policy as ai.txt, read back."""

from __future__ import annotations

import pytest

from optout.compilers.documents.ai_txt import ai_txt
from optout.signals.ai_txt import AiTxtMatcher, parse_ai_txt
from optout.signals.preference import Preference, Usage, preference_for
from tests.compilers.documents.published import NO_TRAINING, policy

CLAUSES = "clauses: [{action: allow, purpose: train, path: /free/}, {action: deny, purpose: train}]\n"


@pytest.mark.parametrize(("path", "expected"), [("/free/1.jpg", Preference.ALLOWED), ("/1.jpg", Preference.DISALLOWED)])
def test_training_is_told_by_path(path: str, expected: Preference) -> None:
    parsed = parse_ai_txt(ai_txt(policy(CLAUSES), made_from="a policy"))
    assert not parsed.faults
    assert preference_for(AiTxtMatcher(parsed).match(("x",), path), Usage.TRAIN) is expected


def test_what_nobody_said_is_not_there() -> None:
    assert ai_txt(policy(""), made_from="") == b""
    assert ai_txt(policy("clauses: [{action: published, path: /x/}]\n"), made_from="") == b""
    assert ai_txt(policy(NO_TRAINING), made_from="policy 1").endswith(b"User-agent: *\nDisallow: /\n")
