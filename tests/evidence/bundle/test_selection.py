"""What goes into a bundle, and what of a neighbor never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.bundle.selection import Scope, choose, records_below
from optout.evidence.directory import Layout
from optout.evidence.schema import parse_record
from tests.evidence.bundle.cases import CANARY, OURS, THEIRS
from tests.evidence.setting import fill


def _chosen(layout: Layout, scope: Scope) -> list[dict[str, object]]:
    chosen = choose(layout, 10_000, scope)
    return [parse_record(record) or {} for index, record in records_below(layout, 10_000) if index in chosen.indexes]


def test_without_a_scope_everything_that_a_record_names_goes_in(layout: Layout) -> None:
    every = list(records_below(layout, 10_000))
    assert len(_chosen(layout, Scope())) == len(every)


def test_of_a_tenant_nothing_of_another_goes_in(layout: Layout) -> None:
    found = _chosen(layout, Scope(tenant=OURS))
    assert {fields.get("tenant", OURS) for fields in found} == {OURS}
    assert {fields.get("server.address", OURS) for fields in found} == {OURS}
    assert CANARY not in str(found)
    assert THEIRS not in str(found)
    assert sum(fields["type"] == "crawl.request" for fields in found) == 27
    assert sum(fields["type"] == "crawl.outcome" for fields in found) == 27
    assert [fields["snapshot.sha256"] for fields in found if fields["type"] == "policy.snapshot"]
    assert [fields["reason"] for fields in found if fields["type"] == "log.gap"] == ["queue-full"]


def test_a_shared_document_goes_in_without_the_record_of_its_first_owner(layout: Layout) -> None:
    chosen = choose(layout, 10_000, Scope(tenant=OURS))
    assert len(chosen.documents) == 2
    snapshots = [fields for fields in _chosen(layout, Scope(tenant=OURS)) if fields["type"] == "policy.snapshot"]
    assert len(snapshots) == 1


def test_one_record_comes_with_what_followed_it(layout: Layout) -> None:
    wanted = "00000000-0000-7000-8000-000000000004"
    found = _chosen(layout, Scope(ids=frozenset({wanted})))
    visits = [fields for fields in found if str(fields["type"]).startswith("crawl.")]
    assert [fields.get("id") == wanted or fields.get("crawl.request.id") == wanted for fields in visits] == [True, True]


@pytest.mark.parametrize(
    ("scope", "visits"),
    [
        (Scope(since_us=1_795_000_000_000_010, until_us=1_795_000_000_000_013), 3),
        (Scope(crawler="GPTBot"), 40),
        (Scope(crawler="CCBot"), 0),
        (Scope(tenant="nobody"), 0),
    ],
)
def test_a_scope_chooses_visits(layout: Layout, scope: Scope, visits: int) -> None:
    assert sum(fields["type"] == "crawl.request" for fields in _chosen(layout, scope)) == visits


def test_a_damaged_log_makes_no_bundle(home: Path) -> None:
    fill(home, 3)
    segment = next((home / "segments").iterdir())
    data = bytearray(segment.read_bytes())
    data[-3] ^= 1
    segment.write_bytes(data)
    with pytest.raises(EvidenceError, match="is damaged"):
        choose(Layout(home), 10, Scope())
