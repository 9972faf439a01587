"""A forged user agent in a loop: what it does to the disk, to people, and to the record of other crawlers.

    python benchmarks/flood.py [--minutes 10] [--rate 5000] [--workers 1]

A gateway with its evidence on stands before nginx. First a person asks alone; then GPTBot's name comes `--rate` times a
second over a few connections, each time for another path, while the person goes on and ClaudeBot comes once a second.
Printed: requests that were answered, the person's median and 99th percentile before and during, the largest size of the
evidence on disk beside what it may take, how many of ClaudeBot's requests are on record, and whether the log is sound.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import door_subjects as subjects
from door_subjects import CHROME, GPTBOT

CLAUDEBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
_BURSTS = 20  # a second, of each connection
_CONNECTIONS = 32
_ALONE_S = 15.0


def _head(agent: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n\r\n".encode()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(size.partition(b":")[2]))
    return int(head[9:12])


async def _forger(port: int, rate: int, until: float, counts: list[int]) -> None:
    """`rate` requests a second in bursts over one connection; as many as are answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    burst = max(1, round(rate / _BURSTS))
    number, due = 0, time.monotonic()
    while time.monotonic() < until:
        writer.write(b"".join(_head(GPTBOT, f"/gallery/{number + place}.jpg") for place in range(burst)))
        number += burst
        for _ in range(burst):
            counts.append(await _answer(reader))
        due += 1 / _BURSTS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    writer.close()


async def _person(port: int, until: float) -> list[float]:
    """How long each of a person's requests took, in ms; fifty a second at most."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    while time.monotonic() < until:
        begun = time.perf_counter()
        writer.write(_head(CHROME, "/page.html"))
        status = await _answer(reader)
        took.append((time.perf_counter() - begun) * 1e3)
        if status != 200:
            raise SystemExit(f"a person got {status}")
        await asyncio.sleep(0.02)
    writer.close()
    return took


async def _crawler(port: int, until: float) -> int:
    """ClaudeBot, once a second; how often."""
    count = 0
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_head(CLAUDEBOT, f"/studio/{count}"))
        await _answer(reader)
        writer.close()
        count += 1
        await asyncio.sleep(1.0)
    return count


async def _watch(evidence: Path, until: float) -> int:
    largest = 0
    while time.monotonic() < until:
        sizes = await asyncio.to_thread(lambda: [path.stat().st_size for path in evidence.rglob("*") if path.is_file()])
        largest = max(largest, sum(sizes))
        await asyncio.sleep(2.0)
    return largest


async def _measure(port: int, evidence: Path, options: argparse.Namespace) -> None:
    alone = await _person(port, time.monotonic() + _ALONE_S)
    begun = time.monotonic()
    until = begun + options.minutes * 60
    counts: list[int] = []
    share = round(options.rate / _CONNECTIONS)
    *_, during, times, largest = await asyncio.gather(
        *(_forger(port, share, until, counts) for _ in range(_CONNECTIONS)),
        _person(port, until),
        _crawler(port, until),
        _watch(evidence, until),
    )
    print(f"forged     {len(counts) / (time.monotonic() - begun):,.0f} a second, {len(counts):,} in all")
    statuses = {status: counts.count(status) for status in sorted(set(counts))}
    print(f"answered   {statuses}")
    print(f"a person   alone {_spread(alone)}, during {_spread(during)}")
    print(f"on disk    {largest >> 20} MiB at most, of {_most(evidence) >> 20} MiB")
    told = _on_record(evidence)
    print(f"ClaudeBot  {told} of {times} requests on record")


def _spread(took: Iterable[float]) -> str:
    cuts = statistics.quantiles(took, n=100)
    return f"p50 {cuts[49]:.2f} ms p99 {cuts[98]:.2f} ms"


def _most(evidence: Path) -> int:
    usage = shutil.disk_usage(evidence)
    return min(2 << 30, usage.total // 10)


def _on_record(evidence: Path) -> int:
    command = [sys.executable, "-m", "optout", "evidence", "list", str(evidence), "--crawler", "ClaudeBot"]
    done = subprocess.run([*command, "--type", "crawl.request", "--count"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        with subjects.ground(place) as on:
            more = ("--workers", str(options.workers)) if options.workers > 1 else ()
            running = subjects.serve("aiohttp", *more, name="gateway")(on)
            asyncio.run(_measure(running.port, place / "place-gateway" / "evidence", options))
        command = [sys.executable, "-m", "optout", "evidence", "verify", str(place / "place-gateway" / "evidence")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"the log    {done.stdout.splitlines()[0]}")


if __name__ == "__main__":
    main()
