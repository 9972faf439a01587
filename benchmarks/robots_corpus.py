"""Reading thousands of robots.txt files beside Protego, and a hundred thousand mutants: throughput and slowest file.

    python benchmarks/robots_corpus.py [--files DIR] [--mutants N] [--json]

The files are those of tests/robots/corpus.py, in the style of large sites, or all in a directory. Rounds of both sides
alternate, so that the ratio holds on a busy machine; each file's time is its best. A mutant that seems slow is read
again, and its best counts. The bars: no exception, no file over 50 ms, five times Protego's throughput.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from protego import Protego

sys.path.insert(0, str(Path(__file__).parents[1]))

from optout.robots.parser import parse_robots
from tests.robots.corpus import corpus, mutants

FILES = 4_000
ROUNDS = 5
SLOW = 0.005  # seconds; what takes longer is read again


def theirs(data: bytes) -> object:
    return Protego.parse(data.decode("utf-8", "ignore"))  # as Scrapy decodes it


def times(read: Callable[[bytes], object], files: Sequence[bytes]) -> list[float]:
    """Seconds for each file."""
    found = []
    for data in files:
        start = perf_counter()
        read(data)
        found.append(perf_counter() - start)
    return found


def best(read: Callable[[bytes], object], files: Sequence[bytes], known: Sequence[float]) -> list[float]:
    return [min(pair) for pair in zip(known, times(read, files), strict=True)]


def beside(files: Sequence[bytes]) -> dict[str, float]:
    """Both sides over all files, round by round."""
    own, other = times(parse_robots, files), times(theirs, files)
    for _ in range(ROUNDS - 1):
        own, other = best(parse_robots, files, own), best(theirs, files, other)
    size = sum(map(len, files))
    return {
        "files": len(files),
        "megabytes": size / 1e6,
        "optout_mb_s": size / sum(own) / 1e6,
        "protego_mb_s": size / sum(other) / 1e6,
        "ratio": sum(other) / sum(own),
        "optout_slowest_ms": max(own) * 1e3,
        "protego_slowest_ms": max(other) * 1e3,
    }


def mutated(files: Sequence[bytes], count: int) -> dict[str, float]:
    """Every mutant read once; the slowest, and how many are over 50 ms."""
    slowest, over = 0.0, 0
    for data in mutants(files, count):
        (spent,) = times(parse_robots, [data])
        if spent > SLOW:
            spent = min(spent, *times(parse_robots, [data] * ROUNDS))
        slowest, over = max(slowest, spent), over + (spent > 0.05)
    return {"mutants": count, "slowest_ms": slowest * 1e3, "over_50_ms": over}


def main() -> None:
    options = argparse.ArgumentParser(description="robots.txt files read, beside Protego")
    options.add_argument("--files", type=Path, help="read every file in this directory instead")
    options.add_argument("--mutants", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if chosen.files is None:
        files = list(corpus(FILES))
    else:
        files = [path.read_bytes() for path in sorted(chosen.files.iterdir()) if path.is_file()]
    gc.freeze()
    found = {"corpus": beside(files), "mutants": mutated(files, chosen.mutants)}
    if chosen.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name)
        for key, value in figures.items():
            print(f"  {key:<20} {value:>12,.2f}")


if __name__ == "__main__":
    main()
