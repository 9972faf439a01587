"""`optout review --import` beside GoAccess (Debian) on the same log, in turns: lines a second, and their ratio.

    python benchmarks/imported_logs.py [--lines 500000] [--crawlers 0.05] [--rounds 3]

Both are whole programs from start to end, on one core each, by their processor time.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from optout.crawlers.registry import bundled_registry


def write_log(path: Path, lines: int, share: float) -> None:
    """A combined log: people with 4,000 different user agents, and a share of crawlers by the registry's examples."""
    dice = random.Random(7)
    crawlers = [example for crawler in bundled_registry().crawlers for example in crawler.examples]
    people = [
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{dice.randint(90, 143)}.0.{dice.randint(0, 7000)}.{dice.randint(0, 200)} Safari/537.36"
        for _ in range(4000)
    ]
    with path.open("w") as file:
        for number in range(lines):
            agent = dice.choice(crawlers if dice.random() < share else people)
            time = (
                f"{number // 86_400 % 28 + 1:02d}/Nov/2026:{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00 +0000"
            )
            file.write(
                f"203.0.{dice.randint(0, 255)}.{dice.randint(0, 255)} - - [{time}] "
                f'"GET /gallery/{dice.randint(1, 5000)}.jpg HTTP/1.1" {dice.choice([200, 200, 304, 404])} '
                f'{dice.randint(100, 99_999)} "https://www.example.org/" "{agent}"\n'
            )


def spent(*command: str) -> float:
    """Processor seconds of a program from start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print a line for each program, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--crawlers", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    goaccess = shutil.which("goaccess")
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "access.log"
        write_log(log, given.lines, given.crawlers)
        programs = {"optout": (sys.executable, "-m", "optout", "review", "--import", str(log))}
        if goaccess is not None:
            programs["goaccess"] = (goaccess, str(log), "--log-format=COMBINED", "-o", f"{place}/out.json")
        else:
            print("goaccess is not installed: apt-get install goaccess")
        found: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(given.rounds):
            for name, command in programs.items():
                found[name].append(spent(*command))
    rates = {name: given.lines / statistics.median(times) for name, times in found.items()}
    for name, rate in rates.items():
        print(f"{name:<10} {rate:>12,.0f} lines a second (median of {given.rounds})")
    if "goaccess" in rates:
        print(f"ratio      {rates['optout'] / rates['goaccess']:>12.2f}")


if __name__ == "__main__":
    main()
