"""What the log costs: records a second beside SQLite, time to a receipt beside a bare fdatasync, reading back.

    python benchmarks/evidence.py [--json] [--directory DIR]

Both sides of a ratio run in turn in one process, on one disk; the best round of each counts. SQLite (WAL,
synchronous=FULL) and `pipeline` sync 64 records at a time, `log` batches as it can. `pipeline` is what the writer
does with a batch: complete, encode, frame, fdatasync, hash into the tree, and sign every 2,000 records. `log` is the
whole way of a door, from `append` to the receipt in another thread; `spool` is the same in a process for which another
one holds the log, and "taking over" is what that one does with its records. SQLite gets records that are encoded
already, `SQLite+encode` encodes them, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from optout.evidence.audit import audit
from optout.evidence.checkpoint import Checkpoint, Signer
from optout.evidence.log import Budget, EvidenceLog, Receipt
from optout.evidence.recorder import Recorder
from optout.evidence.schema import Value, conform, encode
from optout.evidence.segments import SegmentWriter
from optout.evidence.spooled_log import SpooledLog
from optout.evidence.tiles import Tiler
from optout.evidence.tree import leaf_hash

BATCH = 64
OUTSTANDING = 4 * BATCH  # how far the door may be ahead of the disk; the log chooses its batches itself
RECORDS = 12_800
ROUNDS = 5
SIGN_EVERY = 2000
RECORD: dict[str, Value] = conform(
    {
        "type": "crawl.request",
        "id": "0193f3a0-0000-7000-8000-000000000000",
        "time_us": 1_795_000_000_000_000,
        "mono_us": 5_000_000,
        "tenant": "default",
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "url.scheme": "https",
        "server.address": "example.org",
        "url.path": "/gallery/2026/a-picture-with-a-name.jpg",
        "url.query.present": False,
        "user_agent.original": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2",
        "http.request.header.accept": ["*/*"],
        "crawl.product": "GPTBot",
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "crawl.named": ["GPTBot"],
        "crawl.registry.sha256": "a" * 64,
        "identity.claimed": "GPTBot",
        "identity.claim_source": "user-agent",
        "identity.standing": "unverified",
        "identity.verified": "none",
        "policy.version": "1",
        "policy.sha256": "b" * 64,
        "policy.clause": "no-training",
        "robots.sha256": "c" * 64,
        "robots.group": "GPTBot",
        "robots.line": 12,
        "decision.action": "deny",
        "decision.reason": "clause",
        "decision.reasons": ["clause no-training.yaml:14"],
        "decision.enforced": True,
        "decision.us": 80,
        "http.response.status_code": 403,
    }
)
WRITER: dict[str, Value] = {"v": 1, "writer.id": "example.org/log", "writer.boot": "0" * 36}


def rate(side: Callable[[], None]) -> float:
    """Records a second of one round."""
    start = time.perf_counter()
    side()
    return RECORDS / (time.perf_counter() - start)


@contextmanager
def sqlite(directory: Path, *, encoding: bool) -> Iterator[Callable[[], None]]:
    database = sqlite3.connect(directory / f"{'encode' if encoding else 'plain'}.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, record BLOB)")
    stored = encode({**RECORD, **WRITER, "writer.seq": 0})

    def run() -> None:
        for start in range(0, RECORDS, BATCH):
            rows = [
                (encode({**RECORD, **WRITER, "writer.seq": start + place}) if encoding else stored,)
                for place in range(BATCH)
            ]
            database.execute("BEGIN")
            database.executemany("INSERT INTO log (record) VALUES (?)", rows)
            database.execute("COMMIT")

    yield run
    database.close()


@contextmanager
def pipeline(directory: Path) -> Iterator[Callable[[], None]]:
    (directory / "segments").mkdir()
    segments, tree = SegmentWriter(directory / "segments", size=0, segment_bytes=1 << 30), Tiler()
    signer = Signer(name="example.org/log", private=Ed25519PrivateKey.generate())

    def run() -> None:
        for start in range(0, RECORDS, BATCH):
            records = [encode({**RECORD, **WRITER, "writer.seq": start + place}) for place in range(BATCH)]
            segments.append(records)
            for record in records:
                tree.append(leaf_hash(record))
            if start % SIGN_EVERY < BATCH:
                signer.sign(Checkpoint(origin=signer.name, size=tree.size, root=tree.root()))

    yield run
    segments.close()


@contextmanager
def whole_log(directory: Path) -> Iterator[Callable[[], None]]:
    log = EvidenceLog.open(directory / "log", software="benchmark", budget=Budget(max_bytes=1 << 40, ballast_bytes=0))

    yield partial(_append_all, log)
    log.close()


def _append_all(log: Recorder) -> None:
    waiting: deque[Future[Receipt]] = deque()
    for _ in range(RECORDS):
        waiting.append(log.append(RECORD))
        if len(waiting) > OUTSTANDING:
            waiting.popleft().result()
    waiting[-1].result()


@contextmanager
def spooled_log(directory: Path) -> Iterator[Callable[[], None]]:
    home, budget = directory / "spooled", Budget(max_bytes=1 << 40, ballast_bytes=0)
    EvidenceLog.open(home, software="benchmark", budget=budget).close()
    log = SpooledLog.open(home, software="benchmark", budget=budget)
    yield partial(_append_all, log)
    log.close()


def taking_over(directory: Path) -> float:
    """Records a second from spools into the tree, as one writer left them."""
    start = time.perf_counter()
    log = EvidenceLog.open(
        directory / "spooled", software="benchmark", budget=Budget(max_bytes=1 << 40, ballast_bytes=0)
    )
    size = log.sign().result().size
    taken = time.perf_counter() - start
    log.close()
    return size / taken


def throughput(directory: Path) -> dict[str, float]:
    """The best rate of each side, rounds interleaved."""
    best: dict[str, float] = {}
    with (
        sqlite(directory, encoding=False) as plain,
        sqlite(directory, encoding=True) as encoding,
        pipeline(directory) as bare,
        whole_log(directory) as log,
        spooled_log(directory) as spool,
    ):
        sides = {"SQLite": plain, "SQLite+encode": encoding, "pipeline": bare, "log": log, "spool": spool}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                best[name] = max(best.get(name, 0.0), rate(side))
    return best


def bare_sync_ms(directory: Path) -> list[float]:
    """How long an append of one record and its fdatasync take, without anything of ours."""
    data, taken = encode(RECORD), []
    descriptor = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(500):
        start = time.perf_counter()
        os.write(descriptor, data)
        os.fdatasync(descriptor)
        taken.append((time.perf_counter() - start) * 1000)
    os.close(descriptor)
    return taken


async def receipts_ms(directory: Path, offered: int, seconds: float = 2.0) -> list[float]:
    """How long receipts take at `offered` records a second, awaited in an event loop as a door does."""
    log = await asyncio.to_thread(
        EvidenceLog.open, directory / f"at-{offered}", software="benchmark", budget=Budget(ballast_bytes=0)
    )
    taken: list[float] = []

    async def record() -> None:
        start = time.perf_counter()
        await asyncio.wrap_future(log.append(RECORD))
        taken.append((time.perf_counter() - start) * 1000)

    tasks, begin = [], time.perf_counter()
    for number in range(int(offered * seconds)):
        delay = begin + number / offered - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.ensure_future(record()))
    await asyncio.gather(*tasks)
    await asyncio.to_thread(log.close)
    return taken


def p50_p99(taken: list[float]) -> tuple[float, float]:
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def reading(directory: Path) -> dict[str, float]:
    """Records a second when a log is opened again, and when it is audited."""
    start = time.perf_counter()
    log = EvidenceLog.open(directory / "log", software="benchmark", budget=Budget(max_bytes=1 << 40, ballast_bytes=0))
    opened = log.health.size / (time.perf_counter() - start)
    log.close()
    start = time.perf_counter()
    report = audit(directory / "log")
    assert report.verdict == "sound"
    audited = report.size / (time.perf_counter() - start)
    return {"open": opened, "audit": audited, "taking over": taking_over(directory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--directory", help="where to write; the disk is what is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        rates = throughput(directory)
        sync = p50_p99(bare_sync_ms(directory))
        latency = {str(offered): p50_p99(asyncio.run(receipts_ms(directory, offered))) for offered in (200, 2000)}
        read = reading(directory)
    if options.json:
        print(json.dumps({"records_per_s": rates, "sync_ms": sync, "receipt_ms": latency, "read_per_s": read}))
        return
    print(f"{len(encode(RECORD))} bytes a record, {BATCH} records a sync          records/s    to SQLite")
    for side, figure in rates.items():
        print(f"  {side:<40} {figure:>14,.0f} {figure / rates['SQLite']:>11.2f}x")
    print("time to a receipt                                p50 ms     p99 ms   p50 to a bare fdatasync")
    print(f"  {'bare write + fdatasync':<40} {sync[0]:>12.2f} {sync[1]:>10.2f}")
    for offered, (p50, p99) in latency.items():
        print(f"  {offered + ' records/s':<40} {p50:>12.2f} {p99:>10.2f} {p50 / sync[0]:>11.1f}x")
    print("reading back                                  records/s")
    for side, figure in read.items():
        print(f"  {side:<40} {figure:>14,.0f}")


if __name__ == "__main__":
    main()
