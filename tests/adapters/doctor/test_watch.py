"""An invitation lets the owner's doctor see what arrives, and nobody else do anything."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from optout.adapters.client_address import NO_PROXIES
from optout.adapters.doctor import watch as doctor_watch
from optout.adapters.doctor.watch import FIELD, DoctorWatch, Invitation, describe, invited, read_doors
from optout.adapters.intake import now_us
from optout.errors import UsageError
from optout.evidence.log import EvidenceLog
from optout.messages import Fields
from optout.testing import make_request

NUMBER = "n" * 32


def _watch(state: Path) -> DoctorWatch:
    watch = DoctorWatch(state)
    watch.describe = lambda: describe(
        software="optout test", policy="", trusted=NO_PROXIES, observe_only=False, evidence=None, log=None
    )
    return watch


def _fields(number: str) -> Fields:
    return Fields(((FIELD, number),))


def _invite(state: Path, number: str = NUMBER, *, for_us: int = 60_000_000) -> None:
    data = msgspec.json.encode(Invitation(number=number, until_us=now_us() + for_us))
    (state / "doctor.json").write_bytes(data)


def test_without_an_invitation_nobody_is_expected(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    watch.look()
    assert watch.invitation is None
    assert not watch.expects(_fields(NUMBER))
    assert list(tmp_path.iterdir()) == []


def test_only_who_carries_the_number_is_expected(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    with invited(tmp_path) as number:
        watch.look()
        assert watch.expects(_fields(number))
        for other in ("", number[:-1], number + "x", number.swapcase(), "\udcff"):
            assert not watch.expects(_fields(other))
        assert not watch.expects(Fields())
    watch.look()
    assert not watch.expects(_fields(number))


def test_what_was_seen_is_told_to_the_doctor_alone_and_taken_away(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    request = make_request("https://site.example:8443/a?b", "GPTBot", headers=(("X-Forwarded-For", "203.0.113.7"),))
    with invited(tmp_path) as number:
        watch.look()
        assert [door.seen for door in read_doors(tmp_path, number)] == [[]]
        watch.saw(request, None)
        watch.look()
        (door,) = read_doors(tmp_path, number)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    (seen,) = door.seen
    assert (seen.authority, seen.scheme, seen.target) == ("site.example:8443", "https", "/a?b")
    assert (seen.address, seen.source, seen.forwarded) == (None, "unknown", {"x-forwarded-for": "203.0.113.7"})
    assert (seen.action, seen.status) == ("", None)
    assert modes == {0o600}
    watch.look()
    assert list(tmp_path.iterdir()) == []
    assert watch.unrecorded == 1


def test_a_door_that_answered_late_leaves_nothing_behind(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    _invite(tmp_path)
    watch.look()
    (tmp_path / "doctor.json").unlink()
    watch.look()
    assert list(tmp_path.iterdir()) == []


def test_an_invitation_ends_by_itself(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    _invite(tmp_path, for_us=-1)
    watch.look()
    assert not watch.expects(_fields(NUMBER))


def test_one_invitation_is_good_for_few_requests(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    _invite(tmp_path)
    watch.look()
    for _ in range(64):
        assert watch.expects(_fields(NUMBER))
        watch.saw(make_request(), None)
    assert not watch.expects(_fields(NUMBER))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"number": "x"}', b'{"number": 1, "until_us": 2}', b"\xff" * 100]
)
def test_a_damaged_invitation_is_none(tmp_path: Path, content: bytes) -> None:
    watch = _watch(tmp_path)
    (tmp_path / "doctor.json").write_bytes(content)
    watch.look()
    assert watch.invitation is None


@pytest.mark.parametrize("number", ["short", "../../../../tmp/anywhere-else", "n" * 65, "n" * 30 + "/x"])
def test_a_number_that_no_doctor_makes_names_no_file(tmp_path: Path, number: str) -> None:
    watch = _watch(tmp_path)
    _invite(tmp_path, number)
    watch.look()
    assert watch.invitation is None


def test_two_doors_of_one_process_both_answer(tmp_path: Path) -> None:
    first, second = _watch(tmp_path), _watch(tmp_path)
    with invited(tmp_path) as number:
        first.look()
        second.look()
        assert len(read_doors(tmp_path, number)) == 2
    first.look()
    second.look()


def test_a_stranger_s_octets_are_told_in_a_form_that_json_can_hold(tmp_path: Path) -> None:
    watch = _watch(tmp_path)
    with invited(tmp_path) as number:
        watch.look()
        watch.saw(make_request("https://site.example/\udcff", "GPTBot \udcfe" + "x" * 9000), None)
        watch.look()
        ((seen,),) = (door.seen for door in read_doors(tmp_path, number))
    assert seen.target == "/?"
    assert len(seen.user_agent) == 500


def test_a_door_tells_how_its_log_is(tmp_path: Path) -> None:
    log = EvidenceLog.open(tmp_path / "evidence", software="optout test")
    door = describe(
        software="s", policy="", trusted=NO_PROXIES, observe_only=True, evidence=tmp_path / "evidence", log=log
    )
    log.close()
    assert (door.log_writable, door.log_trouble, door.observe_only) == (True, "", True)
    assert door.evidence == str(tmp_path / "evidence")
    assert door.log_max > 0


def test_a_policy_s_file_is_named_so_that_it_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text("")
    named = [
        describe(software="s", policy=policy, trusted=NO_PROXIES, observe_only=False, evidence=None, log=None).policy
        for policy in ("policy.yaml", "no-training", "")
    ]
    assert named == [str(tmp_path / "policy.yaml"), "no-training", ""]


def test_a_state_directory_that_was_not_there_goes_again(tmp_path: Path) -> None:
    with invited(tmp_path / "state"):
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert not (tmp_path / "state").exists()


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A place where no directory can be."""
    (tmp_path / "file").write_text("")
    yield tmp_path / "file" / "state"


def test_a_state_directory_that_cannot_be_written_is_an_error_in_words(unwritable: Path) -> None:
    with pytest.raises(UsageError, match="cannot ask the door"), invited(unwritable):
        raise AssertionError("nothing was invited")


def test_the_field_s_name_is_public() -> None:
    assert doctor_watch.FIELD == "Optout-Doctor"
