"""The nouns of RSL, and when a document's permissions may be believed."""

from __future__ import annotations

import pytest

from optout.signals.preference import SignalFault
from optout.signals.rsl_model import AI_ALL, MILD, USAGES, Rsl, RslFaultCode


@pytest.mark.parametrize("code", RslFaultCode)
def test_a_document_is_sound_unless_a_fault_leaves_open_what_it_demands(code: RslFaultCode) -> None:
    rsl = Rsl(faults=(SignalFault(line=1, code=code, text="x"),))
    assert rsl.is_sound is (code in MILD)


def test_whatever_stops_the_reader_is_no_mild_fault() -> None:
    assert MILD.isdisjoint({RslFaultCode.NOT_XML, RslFaultCode.DOCTYPE, RslFaultCode.TOO_DEEP, RslFaultCode.TOO_LARGE})
    assert MILD.isdisjoint({RslFaultCode.UNKNOWN_ELEMENT, RslFaultCode.NO_LICENSE, RslFaultCode.BAD_TYPE})


def test_the_parts_of_ai_all_are_usages() -> None:
    assert USAGES.issuperset(AI_ALL)
