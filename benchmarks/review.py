"""How soon the review pages answer at the server, over a log of N synthetic records (those of benchmarks/index.py).

    python benchmarks/review.py [--records N] [--directory DIR]

The index is filled before. Printed for each page: the first answer of a fresh process, then the median and the longest
of five, in milliseconds, rendered to HTML as a browser gets it. `--directory` keeps the log for another run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer
from index import SEGMENT_BYTES, build, fill

from optout.crawlers.registry import bundled_registry
from optout.review.app import Review, make_app
from optout.review.gate import Gate
from optout.review.reader import Reader

_ROUNDS = 5
_PAGES = {
    "overview": "/",
    "overview, one crawler": "/?crawler=Crawler3",
    "overview, one purpose": "/?purpose=train",
    "overview, a week": "/?since=2026-03-01&until=2026-03-07",
    "overview, refused": "/?action=deny",
    "overview, verified": "/?standing=verified",
    "overview, three filters": "/?purpose=train&action=deny&standing=unverified",
    "records": "/records",
    "records, a path": "/records?path=/page/7",
    "records, verified": "/records?standing=verified",
    "records, one crawler": "/records?crawler=Crawler3",
    "records, a rare one": "/records?crawler=RareBot",
    "crawler": "/crawlers/Crawler3",
    "policy": "/policy",
}


async def _measure(home: Path) -> None:
    gate = Gate(hosts=frozenset(), port=1, user="benchmark")
    review = Review(reader=Reader(home), registry=bundled_registry())
    cookies = {gate.cookie: gate.redeem(gate.new_token()) or ""}
    async with TestClient(TestServer(make_app(review, gate)), cookies=cookies) as client:
        gate.accept(f"{client.host}:{client.port}")
        print(f"{'page':<24} {'first':>9} {'median':>9} {'longest':>9}  ms")
        for name, path in _PAGES.items():
            times = []
            for _ in range(_ROUNDS + 1):
                began = time.perf_counter()
                async with client.get(path) as answer:
                    await answer.read()
                    assert answer.status == 200, (path, answer.status)
                times.append((time.perf_counter() - began) * 1000)
            first, *rest = times
            print(f"{name:<24} {first:>9.1f} {statistics.median(rest):>9.1f} {max(rest):>9.1f}")


def main() -> None:
    """Build the log where it is not there yet, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = given.directory or Path(place) / "log"
        if not (home / "vkey").exists():
            print(f"building {given.records:,} records in segments of {SEGMENT_BYTES >> 20} MiB")
            build(home, given.records)
            fill(home)
        asyncio.run(_measure(home))


if __name__ == "__main__":
    main()
