"""What the index costs and how soon it answers, over a log of N synthetic records.

    python benchmarks/index.py [--records N] [--directory DIR] [--json]

The log is that of 90 days: requests of eighteen crawlers for 50,000 paths of twenty hosts, refused or answered, with
their outcomes. Its records have the size of real ones. They are written as frames, without a sync for each batch, and
signed at the end. Then, each in a process of its own, so that the peak of memory is its own:

    fill       the index, from nothing          verify    the whole log against its signature
    scan       the log, read and decoded: what a question without an index costs at least
    ask        each question five times, in a fresh connection: median and longest
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from optout.evidence.audit import audit
from optout.evidence.checkpoint import Checkpoint, Signer
from optout.evidence.clock import new_id
from optout.evidence.directory import Layout, create_log
from optout.evidence.frames import frame
from optout.evidence.index.asking import find_records
from optout.evidence.index.catalog import open_catalog
from optout.evidence.index.facts import parse_facts
from optout.evidence.index.opening import open_index
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.schema import Value, encode
from optout.evidence.segments import Entry, read_entries, segment_name
from optout.evidence.signing import State, load_private_key
from optout.evidence.tree import Tree, leaf_hash

DAYS, START_US = 90, 1_770_000_000_000_000
SPAN_US = DAYS * 86_400_000_000
SEGMENT_BYTES = 64 << 20
CRAWLERS = [(f"Crawler{n}", f"Operator {n % 7}", ("train", "dataset", "user-fetch")[n % 3]) for n in range(17)]
RARE = ("RareBot", "Rare", "train")
PAGE = 50
ROUNDS = 5
SHARED: dict[str, Value] = {
    "v": 1,
    "clock.src": "system",
    "clock.sync": True,
    "clock.err_us": 1200,
    "http.request.method": "GET",
    "network.protocol.version": "1.1",
    "url.scheme": "https",
    "url.query.present": False,
    "user_agent.original": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; Crawler/1.2",
    "http.request.header.accept": ["*/*"],
    "crawl.registry.sha256": "a" * 64,
    "identity.claimed": "Crawler",
    "identity.claim_source": "ua",
    "identity.verified": "none",
    "policy.version": "1",
    "policy.sha256": "b" * 64,
    "policy.clause": "no-training",
    "robots.sha256": "c" * 64,
    "robots.group": "Crawler",
    "robots.line": 12,
    "decision.reason": "clause",
    "decision.reasons": ["clause no-training.yaml:14"],
    "decision.enforced": True,
    "decision.us": 80,
    "writer.id": "example.org/log",
    "writer.boot": "0193f3a0-0000-7000-8000-000000000000",
}


def records(count: int, chance: random.Random) -> Iterator[bytes]:
    """Requests and outcomes, in the order of their time but for some jitter."""
    yield encode({**_own("log.start", 0, START_US), "log.vkey": "", "log.previous.checkpoint": ""})
    number = 1
    while number < count:
        time_us = START_US + SPAN_US * number // count + chance.randrange(2_000_000)
        product, operator, purpose = RARE if chance.random() < 0.00002 else chance.choice(CRAWLERS)
        action = chance.choice(("deny", "deny", "allow", "require-license"))
        own = _own("crawl.request", number, time_us)
        host = chance.randrange(20)
        yield encode(
            {
                **SHARED,
                **own,
                "tenant": f"tenant-{host % 4}",
                "server.address": f"site{host}.example.org",
                "url.path": f"/gallery/{chance.randrange(100)}/picture-with-a-name-{chance.randrange(500)}.jpg",
                "crawl.product": product,
                "crawl.operator": operator,
                "crawl.purpose": purpose,
                "crawl.named": [product],
                "identity.standing": chance.choice(("unverified", "unverified", "contradicted")),
                "decision.action": action,
                **({} if action == "allow" else {"http.response.status_code": 403}),
            }
        )
        number += 1
        if action == "allow" and number < count:
            ending = {"crawl.request.id": own["id"], "http.response.body.size": chance.randrange(90_000)}
            told = {"tenant": f"tenant-{host % 4}", "http.response.status_code": 200, "outcome.aborted": False}
            yield encode({**_own("crawl.outcome", number, time_us + 90_000), **ending, **told})
            number += 1


def _own(kind: str, seq: int, time_us: int) -> dict[str, Value]:
    writer = {"v": 1, "writer.id": SHARED["writer.id"], "writer.boot": SHARED["writer.boot"], "writer.seq": seq}
    return {**writer, "type": kind, "id": new_id(time_us), "time_us": time_us, "mono_us": seq}


def build(home: Path, count: int) -> None:
    """A signed log of `count` records."""
    create_log(home, "example.org/log", now_us=START_US)
    layout, tree, chance = Layout(home), Tree(), random.Random(7)
    vkey, empty = layout.vkey.read_text().strip(), layout.checkpoint.read_text()
    source, first = records(count, chance), 0
    start = {"log.vkey": vkey, "log.previous.checkpoint": empty}
    held = [encode({**_own("log.start", 0, START_US), **start}), *islice(source, 1, 2)]
    while held:
        with (layout.segments / segment_name(first)).open("wb") as file:
            while held and file.tell() < SEGMENT_BYTES:
                file.write(b"".join(map(frame, held)))
                for record in held:
                    tree.append(leaf_hash(record))
                held = list(islice(source, 1000))
        first = tree.size
    signer = Signer(name="example.org/log", private=load_private_key(layout.key))
    note = signer.sign(Checkpoint(origin=signer.name, size=tree.size, root=tree.root()))
    layout.checkpoint.write_bytes(note)
    layout.state.write_bytes(State(note=note, time_us=START_US + SPAN_US).encode())


# What is measured, each in a process of its own


def fill(home: Path) -> dict[str, float]:
    """Records a second into an index, and its size."""
    start = time.perf_counter()
    with open_index(home, rebuild=True) as index:
        taken, size = time.perf_counter() - start, index.size
    return {"per_s": size / taken, "bytes_a_record": (home / "index.sqlite").stat().st_size / size}


def verify(home: Path) -> dict[str, float]:
    """Records a second in an audit."""
    start = time.perf_counter()
    report = audit(home)
    assert report.verdict == "sound", report.problems
    return {"per_s": report.size / (time.perf_counter() - start)}


def scan(home: Path) -> dict[str, float]:
    """Records a second, read and decoded."""
    start, count = time.perf_counter(), 0
    for entry in read_entries(Layout(home).segments):
        count += isinstance(entry, Entry) and parse_facts(entry.record) is not None
    taken = time.perf_counter() - start
    return {"per_s": count / taken, "ms": taken * 1000}


_REQUESTS = {"type": "crawl.request"}
_MIDDLE = START_US + SPAN_US // 2
_WEEK = {"since_us": _MIDDLE, "until_us": _MIDDLE + 7 * 86_400_000_000}
LISTS = {
    "newest": Question(),
    "one crawler": Question(facets={"product": "Crawler3"}),
    "a rare crawler": Question(facets={"product": "RareBot"}),
    "operator, action, standing": Question(
        facets={"operator": "Operator 2", "action": "deny", "standing": "contradicted"}
    ),
    "a tenant's host in one week": Question(facets={"tenant": "tenant-1", "host": "site5.example.org"}, **_WEEK),
    "a rare crawler in one week": Question(facets={"product": "RareBot"}, **_WEEK),
    "one path": Question(path=PathPattern("/gallery/7/picture-with-a-name-77.jpg")),
    "paths of one folder": Question(path=PathPattern("/gallery/42/")),
    "a pattern and a crawler": Question(path=PathPattern("/gallery/*-499.jpg"), facets={"product": "Crawler9"}),
    "nothing fits": Question(facets={"product": "Crawler3", "operator": "Operator 1"}),
}
FIGURES = {
    "all, by crawler": (Question(facets=_REQUESTS), ("product",)),
    "all, by operator and action": (Question(facets=_REQUESTS), ("operator", "action")),
    "all, by day": (Question(facets=_REQUESTS), ("day",)),
    "one tenant, by host": (Question(facets={**_REQUESTS, "tenant": "tenant-2"}), ("host",)),
    "a week, to the µs, by purpose": (
        Question(facets=_REQUESTS, since_us=_MIDDLE + 7, until_us=_MIDDLE + 7 * 86_400_000_000 + 7),
        ("purpose",),
    ),
    "one path, by crawler": (
        Question(facets=_REQUESTS, path=PathPattern("/gallery/7/picture-with-a-name-77.jpg")),
        ("product",),
    ),
}


def ask(home: Path) -> dict[str, tuple[float, float]]:
    """Median and longest time of each question in ms, opening and looking for new records included."""
    found = {}
    for name, question in LISTS.items():
        found[f"list {PAGE}: {name}"] = _times(lambda question=question: _page(home, question))
    for name, (question, by) in FIGURES.items():
        found[f"figures: {name}"] = _times(lambda question=question, by=by: _sums(home, question, by))
    return found


def _page(home: Path, question: Question) -> None:
    with open_index(home) as index:
        list(islice(find_records(index, question, newest_first=True), PAGE))


def _sums(home: Path, question: Question, by: tuple[str, ...]) -> None:
    with open_catalog(home) as catalog:
        catalog.figures(question, by)


def _times(run: Callable[[], None]) -> tuple[float, float]:
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), max(taken)


MEASURED: dict[str, Callable[[Path], object]] = {"fill": fill, "scan": scan, "verify": verify, "ask": ask}


def measure(name: str, home: Path) -> tuple[dict[str, object], int]:
    """What a child found, and the peak of its memory in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", name, "--directory", str(home)], capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    return found["found"], found["mib"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path, help="where to write; by default a temporary one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", choices=MEASURED, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        found = MEASURED[options.measure](options.directory)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"found": found, "mib": peak}))
        return
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        home = Path(name) / "log"
        build(home, options.records)
        size = sum(path.stat().st_size for path in (home / "segments").iterdir())
        told = {each: measure(each, home) for each in MEASURED}
    if options.json:
        print(json.dumps({"records": options.records, "bytes": size, **told}))
        return
    report(options.records, size, told)


def report(count: int, size: int, told: dict[str, tuple[dict, int]]) -> None:
    whole_ms = told["scan"][0]["ms"]
    print(f"{count:,} records, {size / count:,.0f} bytes each; {os.cpu_count()} processors")
    print(f"{'':<44} {'records/s':>12} {'peak MiB':>10}")
    for name in ("fill", "scan", "verify"):
        found, mib = told[name]
        print(f"  {name:<42} {found['per_s']:>12,.0f} {mib:>10}")
    print(f"  the index takes {told['fill'][0]['bytes_a_record']:.0f} bytes a record")
    found, mib = told["ask"]
    print(f"{'':<44} {'median ms':>12} {'longest ms':>10} {'scan to median':>15}   (peak {mib} MiB)")
    for name, (median, longest) in found.items():
        print(f"  {name:<42} {median:>12.1f} {longest:>10.1f} {whole_ms / median:>14,.0f}x")


if __name__ == "__main__":
    main()
