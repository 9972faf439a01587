"""policy.clause_reader: equal sentences are read once and share what they are made of."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from optout.crawlers.registry import bundled_registry
from optout.policy import clause_reader as module
from optout.policy.clause_reader import ClauseReader, clause_reader
from optout.policy.model import Place
from optout.policy.schema import ClauseForm
from optout.policy.vocabulary import vocabulary

WORDS = vocabulary(bundled_registry())
WRITTEN = {"action": "deny", "purpose": ["train", "dataset"], "path": ["/gallery/", "*.jpg$"], "crawler": "GPTBot"}


def _place(file: str, line: int) -> Place:
    return Place(file=file, line=line)


def test_the_same_sentence_in_two_files_differs_in_its_place_alone() -> None:
    reader = ClauseReader(WORDS)
    one = reader.read(WRITTEN, 0, _place("a.yaml", 3))
    other = reader.read(dict(WRITTEN), 4, _place("b.yaml", 9))
    assert (one.id, str(one.place)) == ("clause-1", "a.yaml:3")
    assert (other.id, str(other.place)) == ("clause-5", "b.yaml:9")
    assert one.paths is other.paths
    assert one.purposes is other.purposes
    assert one.crawlers is other.crawlers


def test_what_is_written_alike_is_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    validated: list[object] = []
    real = ClauseForm.model_validate

    def counted(written: object, **context: object) -> ClauseForm:
        validated.append(written)
        return real(written, **context)

    monkeypatch.setattr(ClauseForm, "model_validate", counted)
    reader = ClauseReader(WORDS)
    for line in range(10):
        reader.read(WRITTEN, 0, _place("a.yaml", line))
    reader.read({**WRITTEN, "action": "allow"}, 0, _place("a.yaml", 1))
    assert len(validated) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"action": "deny", "path": "/a"}, {"action": "deny", "path": ["/a", "/b"]}),
        ({"action": "deny", "reason": "a', 'mode': 'observe"}, {"action": "deny", "reason": "a", "mode": "observe"}),
        ({"action": "deny", "mode": None}, {"action": "deny", "mode": "observe"}),
        ({"action": "deny", "id": "a"}, {"action": "deny"}),
    ],
)
def test_what_is_written_differently_is_read_differently(one: dict[str, object], other: dict[str, object]) -> None:
    reader = ClauseReader(WORDS)
    place = _place("a.yaml", 1)
    first, second = reader.read(one, 0, place), reader.read(other, 0, place)
    assert first != second
    assert (first, second) == (ClauseReader(WORDS).read(one, 0, place), ClauseReader(WORDS).read(other, 0, place))


def test_a_wrong_sentence_is_wrong_every_time() -> None:
    reader = ClauseReader(WORDS)
    for _ in range(2):
        with pytest.raises(ValidationError):
            reader.read({"action": "block"}, 0, _place("a.yaml", 1))


def test_memory_is_bounded_whatever_owners_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KNOWN", 10)
    reader = ClauseReader(WORDS)
    for number in range(35):
        assert reader.read({"action": "deny", "id": f"c{number}"}, 0, _place("a.yaml", 1)).id == f"c{number}"
    assert len(reader._known) <= 10
    reader.read({"action": "deny", "path": [f"/{number}" for number in range(500)]}, 0, _place("a.yaml", 1))
    assert all(len(key) <= module._LONGEST for key in reader._known)


def test_there_is_one_reader_of_a_vocabulary() -> None:
    assert clause_reader(WORDS) is clause_reader(WORDS)
