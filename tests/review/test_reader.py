"""The log as the pages read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.evidence.index.question import Question
from optout.review.reader import Reader, fields_of, of_tenant
from tests.review.setting import ROBOTS, SHA256, log_of_visits


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(log_of_visits(tmp_path / "evidence"))


async def test_it_reads_what_was_not_taken_back_newest_first(reader: Reader) -> None:
    question = Question(facets={"type": "crawl.request"})
    found = await reader.ask(lambda reader: reader.records(question, 100))
    assert [fields_of(hit)["id"] for hit in found] == ["r6", "r5", "r4", "r3", "r2", "r1"]
    assert len(await reader.ask(lambda reader: reader.records(question, 2))) == 2
    reader.close()


async def test_documents_are_found_by_hash_and_by_nothing_else(reader: Reader) -> None:
    assert await reader.ask(lambda reader: reader.document(SHA256)) == ROBOTS
    for name in ("", "../key", "a" * 64, SHA256.upper(), "../" * 20 + "etc/passwd"):
        assert await reader.ask(lambda reader, name=name: reader.document(name)) is None
    reader.close()


async def test_it_knows_the_signed_state_and_what_is_broken(reader: Reader) -> None:
    checkpoint = await reader.ask(lambda reader: reader.checkpoint)
    assert checkpoint is not None
    assert await reader.ask(lambda reader: reader.broken) == 0
    reader.close()


def test_everybody_is_no_tenant() -> None:
    assert of_tenant(Question(), "") == Question()
    assert of_tenant(Question(), "a").facets == {"tenant": "a"}
