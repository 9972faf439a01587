"""What it costs to recognize a visitor: people and crawlers, beside one regular expression of the same words.

    python benchmarks/recognition.py [--json] [--quick]

The other side is what lists of crawlers are usually turned into: an alternation of all names with word boundaries,
searched without regard to case. It only says yes or no; Optout also names the crawler and leaves addresses alone.
Every figure is the best of several rounds in microseconds, and the rounds of the two sides alternate, so that a busy
machine slows both. Every user agent is a string of its own, so nothing is measured twice from a cache.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from time import perf_counter

from optout.crawlers.registry import bundled_registry

Recognize = Callable[[str], object]
PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{0}.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (Linux; Android 15; SM-S9{0}B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile",
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; SLCC2; .NET CLR 3.5.{0}; rv:11.0) like Gecko",
)
HOSTILE = {
    "GPTBot over and over": "GPTBot/" * 9_362,
    "one endless address": "https://example.org/" + "GPTBot/" * 9_359,
    "addresses over and over": "a@b;GPTBot " * 5_957,
    "letters": "x" * 65_536,
}


def alternation() -> Recognize:
    """Every token in one expression, the longest first."""
    tokens = {token for crawler in bundled_registry().crawlers for token in crawler.tokens}
    words = "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE).search


def once(recognize: Recognize, user_agents: Sequence[str]) -> float:
    """Microseconds per user agent."""
    start = perf_counter()
    for user_agent in user_agents:
        recognize(user_agent)
    return (perf_counter() - start) / len(user_agents) * 1e6


def beside(user_agents: Sequence[str], rounds: int) -> dict[str, float]:
    """Both sides on the same user agents, round by round."""
    sides = (bundled_registry().recognize, alternation())
    best = [float("inf")] * 2
    for _ in range(rounds):
        best = [min(known, once(side, user_agents)) for known, side in zip(best, sides, strict=True)]
    return {"optout_us": best[0], "alternation_us": best[1], "ratio": best[1] / best[0]}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    options = arguments.parse_args()
    rounds = 3 if options.quick else 9
    recognize = bundled_registry().recognize
    people = [form.format(number) for number in range(100, 150) for form in PEOPLE]
    crawlers = [example for crawler in bundled_registry().crawlers for example in crawler.examples]
    assert not any(map(recognize, people)), "a person was taken for a crawler"
    assert all(map(recognize, crawlers)), "a crawler was taken for a person"
    report = {
        "people": beside(people, rounds),
        "crawlers": beside(crawlers, rounds),
        "hostile_64_kib_us": {
            name: min(once(recognize, [text]) for _ in range(rounds)) for name, text in HOSTILE.items()
        },
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for kind in ("people", "crawlers"):
        row = beside_text(report[kind])
        print(f"{kind:>10}: {row}")
    for name, cost in report["hostile_64_kib_us"].items():
        print(f"  64 KiB of {name}: {cost / 1000:,.1f} ms")


def beside_text(row: dict[str, float]) -> str:
    return (
        f"{row['optout_us']:8.2f} us a user agent, the alternation {row['alternation_us']:10.2f} us"
        f" ({row['ratio']:.0f} times as much)"
    )


if __name__ == "__main__":
    main()
