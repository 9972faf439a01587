"""How a problem reads."""

from __future__ import annotations

from optout.evidence.verdict import AuditProblem


def test_a_problem_names_its_file_and_its_record_if_it_has_one() -> None:
    assert str(AuditProblem(file="state", index=None, text="is foreign")) == "state: is foreign"
    assert str(AuditProblem(file="segments/0", index=7, text="is gone")) == "segments/0: record 7: is gone"
