"""A log and those before it; how they follow one another is tested in test_succession."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.audit import Verdict, audit
from optout.evidence.chain import audit_chain
from optout.evidence.checkpoint import Checkpoint, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.seen import Seen, seen_of
from optout.evidence.signing import load_verifier_key
from tests.evidence.setting import fill


def test_one_log_alone_is_audited_as_ever(home: Path) -> None:
    fill(home, 3)
    (one,) = audit_chain(home)
    assert one.log == home
    assert one.report == audit(home)


def test_what_is_no_log_could_not_be_told(tmp_path: Path) -> None:
    (one,) = audit_chain(tmp_path / "nowhere")
    assert one.report.verdict is Verdict.COULD_NOT_TELL


def test_what_was_seen_goes_to_its_own_log_and_what_is_nobodys_to_the_last(home: Path) -> None:
    fill(home, 3)
    checkpoint = open_checkpoint((home / "checkpoint").read_bytes(), load_verifier_key(Layout(home).vkey))
    assert isinstance(checkpoint, Checkpoint)
    assert audit_chain(home, seen=(seen_of(checkpoint),))[-1].report.verdict is Verdict.SOUND
    foreign = Seen(origin="example.org/other", size=1, root=bytes(32))
    assert audit_chain(home, seen=(foreign,))[-1].report.verdict is Verdict.NOT_SOUND
