"""adapters.policy_watch: reload on change, all at once, and for the price of what changed."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.adapters import policy_files
from optout.adapters.policy_directory import PolicyDirectory
from optout.adapters.policy_files import read_policy_files
from optout.adapters.policy_watch import PolicyWatch, look_ahead, watch_policies
from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError, UsageError
from optout.policy import draft
from optout.policy.loader import load_policies
from optout.policy.model import Action, Mode, PolicySet
from optout.policy.vocabulary import Vocabulary

REGISTRY = bundled_registry()


def _text(site: str, default: str = "deny") -> str:
    return f"version: 1\nmode: enforce\nsites: {site}\ndefault: {default}\non_error: allow\n"


def _watch(path: Path | str | None) -> PolicyWatch:
    return PolicyWatch(path, REGISTRY)


def _default(policies: PolicySet, site: str) -> Action | None:
    found = policies.find(site)
    return found.default if found is not None else None


def test_without_a_path_the_door_observes() -> None:
    watch = _watch(None)
    assert [policy.mode for policy in watch.current] == [Mode.OBSERVE]
    assert watch.poll() is None


def _unreadable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As root, who runs containers, permissions stop nothing."""
    real = policy_files.read_policy

    def read(place: str) -> bytes:
        if Path(place).name == name:
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(policy_files, "read_policy", read)


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    watch = _watch(tmp_path)
    (tmp_path / "a.yaml").chmod(0)
    _unreadable(monkeypatch, "a.yaml")
    (tmp_path / "b.yaml").write_text(_text("b.example", "allow"))
    policies = watch.poll()
    assert policies is not None
    assert _default(policies, "a.example") is Action.DENY
    assert _default(policies, "b.example") is Action.ALLOW
    assert [str(problem) for problem in watch.take_problems()] == [
        "a.yaml: the file cannot be read: Permission denied - check its owner and its permissions"
    ]


def test_a_directory_that_cannot_be_read_leaves_its_policies_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = _watch(tmp_path)

    def refuse(directory: PolicyDirectory) -> dict[str, int | None]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(PolicyDirectory, "look", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        read_policy_files(tmp_path)
    assert watch.poll() is None
    assert "Permission denied" in watch.take_problems()[0].text
    assert _default(watch.current, "a.example") is Action.DENY


def test_a_broken_file_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\n")
    with pytest.raises(PolicyError):
        _watch(tmp_path / "a.yaml")


def test_nothing_is_read_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = _watch(tmp_path)
    _unreadable(monkeypatch, "a.yaml")
    assert watch.poll() is None
    assert watch.take_problems() == ()


def test_a_change_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    path.write_text(_text("a.example", "allow"))
    policies = watch.poll()
    assert policies is watch.current
    assert _default(watch.current, "a.example") is Action.ALLOW
    assert watch.take_files() == {"a.yaml": path.read_bytes()}
    assert watch.take_files() == {}
    assert watch.poll() is None


def test_a_file_put_in_place_of_another_is_a_change_even_with_the_same_times(tmp_path: Path) -> None:
    path, other = tmp_path / "a.yaml", tmp_path / "new"
    path.write_text(_text("a.example", "allow"))
    watch = _watch(path)
    times = path.stat()
    other.write_text(_text("b.example", "allow"))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    policies = watch.poll()
    assert policies is not None
    assert _default(policies, "b.example") is Action.ALLOW


def test_the_same_text_written_again_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    before = watch.current
    os.utime(path, ns=(1, 1))
    assert watch.poll() is None
    assert watch.current is before


def test_a_broken_change_leaves_the_old_policy_in_force_and_is_reported_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    before = watch.current
    path.write_text(_text("a.example", "block"))
    assert watch.poll() is None
    assert watch.current is before
    assert len(watch.take_problems()) == 1
    assert watch.take_problems() == ()
    assert watch.poll() is None
    path.write_text(_text("a.example", "allow"))
    assert watch.poll() is not None
    assert watch.take_problems() == ()


def test_a_file_that_vanishes_leaves_its_policy_in_force(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    path.unlink()
    assert watch.poll() is None
    assert len(watch.take_problems()) == 1
    assert _default(watch.current, "a.example") is Action.DENY
    path.write_text(_text("a.example", "allow"))
    assert watch.poll() is not None


def test_a_directory_that_is_emptied_leaves_its_policies_in_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = _watch(tmp_path)
    (tmp_path / "a.yaml").unlink()
    assert watch.poll() is None
    assert "holds no policy" in watch.take_problems()[0].text
    assert _default(watch.current, "a.example") is Action.DENY


def test_files_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = _watch(tmp_path)
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    policies = watch.poll()
    assert policies is not None
    assert _default(policies, "b.example") is Action.DENY
    (tmp_path / "a.yaml").unlink()
    policies = watch.poll()
    assert policies is not None
    assert policies.find("a.example") is None


def test_a_broken_file_of_a_directory_keeps_its_last_good_copy(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    watch = _watch(tmp_path)
    (tmp_path / "a.yaml").write_text("version: 'open")
    (tmp_path / "b.yaml").write_text(_text("b.example", "allow"))
    policies = watch.poll()
    assert policies is not None
    assert _default(policies, "a.example") is Action.DENY
    assert _default(policies, "b.example") is Action.ALLOW
    assert [problem.file for problem in watch.take_problems()] == ["a.yaml"]


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    path.write_text(_text("b.example"))
    real = policy_files.read_policy

    def read(place: str) -> bytes:
        data = real(place)
        Path(place).write_text(_text("c.example") + "# and more\n")
        return data

    monkeypatch.setattr(policy_files, "read_policy", read)
    assert watch.poll() is None
    monkeypatch.undo()
    policies = watch.poll()
    assert policies is not None
    assert _default(policies, "c.example") is Action.DENY


def test_what_is_wrong_stays_known_after_it_was_told(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(_text("a.example"))
    watch = _watch(file)
    assert watch.problems == ()
    file.write_text("version: 1\n")
    watch.poll()
    assert watch.take_problems() == watch.problems != ()
    assert watch.take_problems() == ()
    assert watch.problems
    file.write_text(_text("a.example"))
    watch.poll()
    assert (watch.problems, watch.take_problems()) == ((), ())


def _parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose text is parsed from now on."""
    parsed: list[str] = []
    real = draft.read_draft

    def counted(data: bytes, file: str, words: Vocabulary) -> draft.Draft:
        parsed.append(file)
        return real(data, file, words)

    monkeypatch.setattr(draft, "read_draft", counted)
    return parsed


def test_one_change_costs_one_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        (tmp_path / f"{number}.yaml").write_text(_text(f"site-{number}.example"))
    watch = _watch(tmp_path)
    assert len(watch.take_files()) == 300
    before = watch.current
    parsed = _parsed(monkeypatch)
    (tmp_path / "42.yaml").write_text(_text("site-42.example", "allow"))
    after = watch.poll()
    assert after is not None
    assert parsed == ["42.yaml"]
    assert watch.take_files() == {"42.yaml": (tmp_path / "42.yaml").read_bytes()}
    assert [new.file for old, new in zip(before, after, strict=True) if old is not new] == ["42.yaml"]


def test_a_file_that_was_only_touched_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = _watch(tmp_path)
    parsed = _parsed(monkeypatch)
    os.utime(tmp_path / "a.yaml", ns=(1, 1))
    assert watch.poll() is None
    assert parsed == []


def test_a_file_becomes_a_directory_and_a_file_again(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text(_text("a.example"))
    watch = _watch(path)
    path.unlink()
    path.mkdir()
    (path / "b.yaml").write_text(_text("b.example"))
    assert watch.poll() is not None
    assert _default(watch.current, "b.example") is Action.DENY
    (path / "b.yaml").unlink()
    path.rmdir()
    assert watch.poll() is None
    assert "there is no policy" in watch.take_problems()[0].text
    path.write_text(_text("c.example"))
    assert watch.poll() is not None
    assert [policy.sites for policy in watch.current] == [("c.example",)]


def test_strict_keeps_the_old_policies_in_force_until_all_is_sound(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    watch = PolicyWatch(tmp_path, REGISTRY, strict=True)
    (tmp_path / "a.yaml").write_text(_text("a.example", "allow"))
    (tmp_path / "b.yaml").write_text(_text("b.example", "block"))
    assert watch.poll() is None
    assert len(watch.take_problems()) == 1
    assert _default(watch.current, "a.example") is Action.DENY
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    assert watch.poll() is not None
    assert _default(watch.current, "a.example") is Action.ALLOW
    assert sorted(watch.take_files()) == ["a.yaml", "b.yaml"]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["a.yaml", "b.yaml", "c.yaml"]),
        st.one_of(
            st.builds(_text, st.sampled_from(["a.example", "b.example", "'*'"]), st.sampled_from(["deny", "block"])),
            st.just("sites: 'open\n"),
            st.none(),
        ),
    ),
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(CHANGES, max_size=6))
def test_watching_comes_to_the_same_as_reading_everything_anew(steps: list[list[tuple[str, str | None]]]) -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        (place / "z.yaml").write_text(_text("z.example"))
        watch = _watch(place)
        expected: PolicySet = watch.current
        read, problems, size = read_policy_files(place), watch.problems, 0
        for step in steps:
            for file, text in step:
                if text is None:
                    (place / file).unlink(missing_ok=True)
                else:
                    size += 1  # no two texts have the same: the clock of a file system is coarse
                    (place / file).write_text(f"{text}{'#' * size}\n")
            watch.poll()
            before, read = read, read_policy_files(place)
            if read != before:
                anew, problems = load_policies(read, REGISTRY, last_good=expected)
                expected = anew if anew.digest != expected.digest else expected
            assert watch.current.policies == expected.policies
            assert dict(watch.current.by_site) == dict(expected.by_site)
            assert watch.problems == problems


def test_a_door_takes_over_what_was_read_to_tell_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    ahead = look_ahead(tmp_path, REGISTRY)
    parsed = _parsed(monkeypatch)
    (tmp_path / "b.yaml").write_text(_text("b.example", "allow"))
    watch = watch_policies(tmp_path, REGISTRY)
    assert watch is ahead
    assert parsed == ["b.yaml"]
    assert _default(watch.current, "b.example") is Action.ALLOW
    assert watch_policies(tmp_path, REGISTRY) is not ahead
