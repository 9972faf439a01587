"""Timestamps beside a log: kept whole, checked again, and said in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from optout.evidence.anchors import (
    OWN_CLOCK,
    check_anchors,
    keep_anchor,
    list_anchors,
    own_roots,
    read_own,
    rests_on,
    seen_by_authorities,
)
from optout.evidence.audit import Verdict, audit
from optout.evidence.checkpoint import Checkpoint, NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.signing import load_verifier_key
from optout.evidence.timestamp import Token, TokenFault, load_roots, request_token
from tests.authority import Authority
from tests.evidence.setting import crawl, fill, open_log


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that behaves."""
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


def _anchored(home: Path, authority: Authority, name: str = "tsa.example") -> Layout:
    if not home.exists():
        fill(home, 3)
    layout = Layout(home)
    note = layout.checkpoint.read_bytes()
    checkpoint = open_checkpoint(note, load_verifier_key(layout.vkey))
    assert isinstance(checkpoint, Checkpoint)
    request = request_token(note)
    keep_anchor(layout, checkpoint, name, note=note, request=request, response=authority.reply(request))
    (layout.anchors / "roots.pem").write_bytes(authority.roots)
    return layout


def test_what_is_kept_is_found_and_holds(home: Path, authority: Authority) -> None:
    layout = _anchored(home, authority)
    _anchored(home, authority, "other.example")
    assert [(one.size, one.authority) for one in list_anchors(layout)] == [(5, "other.example"), (5, "tsa.example")]
    checked = read_own(layout, load_verifier_key(layout.vkey))
    assert all(isinstance(one.token, Token) for one in checked)
    assert [str(seen).split()[1] for seen in seen_by_authorities(checked)] == ["5", "5"]
    sentence = rests_on(checked, 5)
    assert "first 5 records existed by" in sentence
    assert "other.example and tsa.example" in sentence
    assert "2 records after them" in rests_on(checked, 7)
    assert rests_on(checked, 4) == rests_on((), 4) == OWN_CLOCK


def test_the_names_of_other_things_are_left_alone(home: Path, authority: Authority) -> None:
    layout = _anchored(home, authority)
    for name in (".5-tsa.example.0011", "x", "5-", "-tsa"):
        (layout.anchors / name).mkdir()
    assert len(list_anchors(layout)) == 1
    assert list_anchors(Layout(home / "none")) == ()


def test_without_roots_a_token_is_not_checked(home: Path, authority: Authority) -> None:
    layout = _anchored(home, authority)
    (layout.anchors / "roots.pem").unlink()
    (one,) = check_anchors(layout, load_verifier_key(layout.vkey), own_roots(layout))
    assert one.token is None
    assert rests_on((one,), 5) == OWN_CLOCK


def test_a_changed_anchor_does_not_hold(home: Path, authority: Authority) -> None:
    layout = _anchored(home, authority)
    key, roots = load_verifier_key(layout.vkey), load_roots(authority.roots)
    anchor = list_anchors(layout)[0]
    note = (anchor.path / "checkpoint").read_bytes()
    (anchor.path / "checkpoint").write_bytes(note.replace(b"\n5\n", b"\n4\n"))
    (one,) = check_anchors(layout, key, roots)
    assert isinstance(one.checkpoint, NoteFault)
    assert isinstance(one.token, TokenFault)
    (anchor.path / "checkpoint").write_bytes(note)
    anchor.path.rename(layout.anchors / "4-tsa.example")
    (one,) = check_anchors(layout, key, roots)
    assert isinstance(one.checkpoint, NoteFault)


def test_a_history_that_was_rewritten_contradicts_what_was_stamped(home: Path, authority: Authority) -> None:
    """T16: whoever has the key can sign another history; he cannot have it stamped in the past."""
    layout = _anchored(home, authority)
    for name in ("segments", "tile", "state", "checkpoint", "lock", "ballast"):
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.move(home / "anchors", home.parent / "anchors")
    shutil.move(home / "snapshots", home.parent / "snapshots")
    key = load_verifier_key(layout.vkey)
    (home / "vkey").unlink()
    from optout.evidence.directory import create_log

    assert create_log(home, key.name, now_us=1) == key
    log = open_log(home)
    for number in range(9):
        log.append(crawl(number, **{"url.path": "/another"})).result(20)
    log.close()
    shutil.move(home.parent / "anchors", home / "anchors")
    assert audit(home).verdict is Verdict.SOUND
    seen = seen_by_authorities(check_anchors(layout, key, load_roots(authority.roots)))
    (problem,) = audit(home, seen=seen).problems
    assert "not those that were seen by tsa.example: it was rewritten" in problem.text
