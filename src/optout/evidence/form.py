"""Records that are alike: what they share is conformed and encoded once, and each costs no more than what is its own.

Of the forty fields of a crawler's visit thirty follow from the decision, which thousands of visits have in common.

Rule: the bytes are those that `conform` and `encode` make of the whole record. Where that is not sure by the names of
the fields alone, or a record is so long that everything in it has to be cut, `body` is None and the record goes the
way of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter

from optout.evidence.schema import MAX_BODY, VERSION, Value, conform_uncut, encode, encode_value

_FIRST, _LAST = "clock/", "v"
"""All names between these two stand in one stretch of the record: the writer's own are `clock.*`, `v`, `writer.*`."""
_CALLERS = frozenset({"id", "time_us", "mono_us"})  # what the writer would add where it is missing
_MOST_PATTERNS = 64  # of one form: strangers choose which header fields they send, and which texts are too long
_VERSION_SIZE = len('{"v":,}') + len(str(VERSION))

_Pattern = tuple[bytes, Callable[[Mapping[str, Value]], tuple[Value, ...]]]


class Form:
    """The fields that many records share. They must not change."""

    __slots__ = ("_patterns", "shared")

    def __init__(self, shared: Mapping[str, Value]) -> None:
        self.shared = shared
        self._patterns: dict[tuple[str, ...], _Pattern | None] = {}

    def body(self, own: Mapping[str, object]) -> bytes | None:
        """The canonical bytes of a record with these fields besides, without braces and what the writer adds.

        None where the record has to be encoded as a whole. Raises EvidenceError as `conform` does.
        """
        if not self.shared.keys().isdisjoint(own):
            return None
        found = conform_uncut(own)
        shape = tuple(found)
        try:
            pattern = self._patterns[shape]
        except KeyError:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            pattern = self._patterns[shape] = self._pattern(found)
        if pattern is None:
            return None
        template, in_order = pattern
        body = template % tuple(map(encode_value, in_order(found)))
        return body if size_of(body) <= MAX_BODY else None

    def _pattern(self, found: Mapping[str, Value]) -> _Pattern | None:
        """The shared fields' bytes with a gap for each of `found`, in the order of their names."""
        shared = conform_uncut(self.shared)
        shared.pop("v", None)
        names = sorted([*shared, *found])
        is_one_stretch = names[0] > _FIRST and names[-1] < _LAST
        if not is_one_stretch or not found.keys() >= _CALLERS or not shared.keys().isdisjoint(found):
            return None
        pieces = [b'"%b":%b' % (name.encode(), _gap(shared.get(name))) for name in names]
        return b",".join(pieces), itemgetter(*sorted(found))


def _gap(value: Value | None) -> bytes:
    return b"%b" if value is None else encode_value(value).replace(b"%", b"%%")


def size_of(body: bytes) -> int:
    """The size that `conform_sized` gives for a record with this body."""
    return len(body) + _VERSION_SIZE


class Filled(Mapping[str, Value]):
    """One record of a form: a mapping like any other, and its bytes cost less."""

    __slots__ = ("_form", "_own")

    def __init__(self, form: Form, own: Mapping[str, Value]) -> None:
        self._form, self._own = form, own

    def body(self) -> bytes | None:
        """As `Form.body`."""
        return self._form.body(self._own)

    def and_also(self, more: Mapping[str, Value]) -> Filled:
        """The same record with further fields of its own."""
        return Filled(self._form, {**self._own, **more})

    def __getitem__(self, name: str) -> Value:
        return self._own[name] if name in self._own else self._form.shared[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._form.shared, **self._own})

    def __len__(self) -> int:
        return len(self._form.shared.keys() | self._own.keys())


class Surroundings:
    """What one writer puts around the bodies of its records: the state of its clock, its name and its numbers."""

    __slots__ = ("_before", "_behind")

    def __init__(self, clock: Mapping[str, Value], writer: Mapping[str, Value]) -> None:
        before = encode(clock)[1:-1]
        self._before = b"{" + before + b"," if before else b"{"
        self._behind = b"," + encode(writer)[1:-1] + b',"writer.seq":'

    def around(self, body: bytes, seq: int) -> bytes:
        """The record, complete."""
        return b"%b%b%b%d}" % (self._before, body, self._behind, seq)
