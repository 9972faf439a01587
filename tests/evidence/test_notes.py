"""What the log says of itself: nothing lost, nothing said too often."""

from __future__ import annotations

from optout.evidence.notes import Notes
from optout.evidence.receipt import Loss

MINUTE_US = 60_000_000


def test_notes_wait_in_order_until_they_are_written() -> None:
    notes = Notes()
    notes.say("log.start", {"software": "x"})
    notes.say("log.clock", {})
    assert [note["type"] for note in notes.due(0)] == ["log.start", "log.clock"]
    assert [note["type"] for note in notes.due(0)] == ["log.start", "log.clock"]
    notes.written(1)
    assert [note["type"] for note in notes.due(0)] == ["log.clock"]


def test_losses_are_counted_by_reason_crawler_and_action() -> None:
    notes = Notes()
    for crawler, action, time_us in (("GPTBot", "deny", 30), ("GPTBot", "deny", 10), ("CCBot", "allow", 20)):
        notes.lost(Loss.DISK_FULL, crawler=crawler, action=action, time_us=time_us)
    (gap,) = notes.due(0)
    assert gap == {
        "type": "log.gap",
        "reason": "disk-full",
        "from_us": 10,
        "to_us": 30,
        "count": 3,
        "counts": ["CCBot allow 1", "GPTBot deny 2"],
    }


def test_a_refused_record_is_counted_under_what_it_names() -> None:
    notes = Notes()
    notes.lost_record(Loss.FLOOD, {"type": "crawl.request", "crawl.product": "A B", "decision.action": "deny"}, 1)
    notes.lost_record(Loss.FLOOD, {"type": "crawl.outcome"}, 1)
    assert notes.due(0)[0]["counts"] == ["- crawl.outcome 1", "A_B deny 1"]


def test_a_reason_is_told_at_once_and_then_once_a_minute() -> None:
    notes = Notes()
    told = []
    for second in range(125):
        notes.lost("flood", crawler="x", action="deny", time_us=second)
        due = notes.due(second * 1_000_000)
        notes.written(len(due))
        told += [note["count"] for note in due]
    assert told == [1, 60, 60]
    assert [note["count"] for note in notes.due(125_000_000, everything=True)] == [4]


def test_reasons_do_not_wait_for_each_other() -> None:
    notes = Notes()
    notes.lost("flood", crawler="x", action="deny", time_us=1)
    notes.written(len(notes.due(0)))
    notes.lost("budget", crawler="x", action="deny", time_us=1)
    assert [note["reason"] for note in notes.due(1)] == ["budget"]


def test_nothing_is_lost_while_notes_cannot_be_written() -> None:
    notes = Notes()
    total = 0
    for minute in range(100):
        notes.lost("disk-full", crawler="x", action="deny", time_us=minute)
        notes.fault("write ENOSPC", minute)
        assert len(notes.due(minute * MINUTE_US)) <= 17
    for now in (100, 101):
        due = notes.due(now * MINUTE_US)
        total += sum(int(str(note["count"])) for note in due if note["type"] == "log.gap")
        notes.written(len(due))
    assert total == 100
    assert notes.pending() == 0


def test_names_in_a_count_are_bounded_in_number_length_and_alphabet() -> None:
    notes = Notes()
    for number in range(1000):
        notes.lost("flood", crawler=f"bot \u202e\x1b[0m\udcff {number} " + "x" * 500, action="deny", time_us=1)
    counts = notes.due(0)[0]["counts"]
    assert isinstance(counts, list)
    assert sum(int(count.rsplit(" ", 1)[1]) for count in counts) == 1000
    assert len(counts) <= 65
    assert all(count.isascii() and count.isprintable() and len(count) < 160 for count in counts)


def test_what_is_pending_is_counted() -> None:
    notes = Notes()
    assert notes.pending() == 0
    notes.say("log.gap", {})
    notes.fault("sign EIO", 1)
    assert notes.pending() == 2
