"""A refusal says why, in a word that stands in the log too."""

from __future__ import annotations

from optout.errors import EvidenceError
from optout.evidence.receipt import Loss, NotLoggedError


def test_a_refusal_is_an_evidence_error_with_its_reason() -> None:
    fault = NotLoggedError(Loss.DISK_FULL, "the record was not written: disk-full")
    assert isinstance(fault, EvidenceError)
    assert (fault.loss, fault.what) == (Loss.DISK_FULL, "the record was not written: disk-full")


def test_the_words_for_a_loss_are_permanent() -> None:
    assert {loss.value for loss in Loss} == {
        "content",
        "queue-full",
        "flood",
        "budget",
        "disk-full",
        "disk-fault",
        "closed",
    }
