"""What the tests of the index share: logs made without a writer, of records as they please, and the same by reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from optout.evidence.checkpoint import Signer
from optout.evidence.directory import Layout
from optout.evidence.index.facts import OUTCOME, REQUEST, Facts, parse_facts
from optout.evidence.index.figures import Figure, day_name
from optout.evidence.index.question import Question
from optout.evidence.index.tables import DAY_US, FACETS
from optout.evidence.schema import encode
from optout.evidence.segments import Entry, SegmentWriter, list_segments, read_entries

NOON = 1_795_003_200_000_000  # 2026-11-18 12:00 UTC


def record_id(number: int) -> str:
    """A UUIDv7 like those of a door."""
    return f"{1_795_003_200_000 + number:012x}"[:8] + f"-{number % 65536:04x}-7000-8000-{number:012x}"


def record(number: int, kind: str = REQUEST, **fields: object) -> bytes:
    """A record, canonical, with what each one has."""
    full = {
        "v": 1,
        "type": kind,
        "id": record_id(number),
        "time_us": NOON + number,
        "mono_us": number,
        "writer.id": "example.org/log",
        "writer.boot": "0" * 36,
        "writer.seq": number,
        **fields,
    }
    return encode(full)  # type: ignore[arg-type]


def make_log(
    home: Path, records: Sequence[bytes], *, segment_bytes: int = 1 << 20, name: str = "example.org/log"
) -> Path:
    """A log that holds these records and was never signed."""
    layout = Layout(home)
    layout.segments.mkdir(parents=True)
    signer = Signer(name=name, private=Ed25519PrivateKey.generate())
    layout.vkey.write_text(f"{signer.verifier}\n")
    add(home, records, segment_bytes=segment_bytes)
    return home


def add(home: Path, records: Sequence[bytes], *, segment_bytes: int = 1 << 20) -> None:
    """More records at the end of a log."""
    directory = Layout(home).segments
    segments = list_segments(directory)
    size = sum(isinstance(item, Entry) for item in read_entries(directory))
    resume = (segments[-1].path, segments[-1].path.stat().st_size) if segments else None
    writer = SegmentWriter(directory, size=size, segment_bytes=segment_bytes, resume=resume)
    for one in records:
        writer.append([one])
    writer.close()


class Scan:
    """A log read from end to end: what an index has to agree with."""

    def __init__(self, home: Path) -> None:
        self.bytes: dict[int, int] = {}
        self.retracted: set[int] = set()
        self.facts: dict[int, Facts] = {}
        items = read_entries(Layout(home).segments)
        for entry in (item for item in items if isinstance(item, Entry)):
            facts = parse_facts(entry.record)
            if facts is not None:
                self.facts[entry.leaf_index] = facts
                self.bytes[entry.leaf_index] = facts.size or 0
        taken_back = {facts.retracts for facts in self.facts.values() if facts.retracts}
        newest: dict[str, int] = {}
        for leaf, facts in self.facts.items():
            if facts.type == REQUEST:
                newest[facts.id] = leaf
                if facts.id in taken_back:
                    self.retracted.add(leaf)
            elif facts.type == OUTCOME and facts.about in newest:
                self.bytes[newest[facts.about]] += facts.size or 0
                if facts.about in taken_back:
                    self.retracted.add(leaf)

    def leaves(self, question: Question) -> list[int]:
        """The records that fit."""
        return [leaf for leaf, facts in self.facts.items() if question.fits(facts)]

    def figures(self, question: Question, by: tuple[str, ...]) -> list[Figure]:
        """Their sums."""
        groups: dict[tuple[str, ...], list[int]] = {} if by else {(): []}
        for leaf in self.leaves(question):
            if leaf not in self.retracted:
                groups.setdefault(tuple(self._keys(leaf, by)), []).append(leaf)
        found = [self._sum(key, leaves) for key, leaves in groups.items()]
        return sorted(found, key=lambda figure: (-figure.count, figure.key))

    def _keys(self, leaf: int, by: tuple[str, ...]) -> Iterator[str]:
        facts = self.facts[leaf]
        texts = dict(zip(FACETS, facts.profile, strict=True))
        return (day_name(facts.time_us // DAY_US) if name == "day" else texts[name] for name in by)

    def _sum(self, key: tuple[str, ...], leaves: list[int]) -> Figure:
        times = [self.facts[leaf].time_us for leaf in leaves]
        size = sum(self.bytes[leaf] for leaf in leaves)
        return Figure(
            key=key, count=len(leaves), size=size, first_us=min(times, default=None), last_us=max(times, default=None)
        )


def parsed(data: bytes) -> Facts:
    """The facts of what is a record."""
    facts = parse_facts(data)
    assert facts is not None
    return facts
