"""robots.txt matching beside Protego, in one run: what a question costs as rules and sites grow.

    python benchmarks/robots.py [--json] [--quick]

Every figure is the best of several rounds, and the rounds of the two sides alternate, so that a busy machine slows
both. Paths differ from question to question; both sides answer the same questions and must agree first.
The bar (literal prefixes): at 1,000 rules at least ten times faster than Protego, and flat from 10 to 10,000.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from protego import Protego

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots

TOKEN = "GPTBot"
SIZES = (10, 100, 1_000, 10_000)
QUESTIONS = 200
Ask = Callable[[str], bool]


def literal_rule(number: int) -> str:
    return f"/section-{number % 97:02d}/item-{number:05d}/"


def wildcard_rule(number: int) -> str:
    return f"/*/item-{number:05d}*.html"


def file_of(rules: Sequence[str]) -> bytes:
    lines = [f"{'Allow' if number % 5 == 4 else 'Disallow'}: {rule}" for number, rule in enumerate(rules)]
    return "\n".join([f"User-agent: {TOKEN}", *lines, "", "User-agent: *", "Disallow: /private/", ""]).encode()


def questions(count: int) -> dict[str, list[str]]:
    """Paths by kind: under a rule, under none, and with a query; `count` is the number of rules."""
    step = max(1, count // QUESTIONS)
    under = [f"{literal_rule(number * step % count)}page-{number}.html" for number in range(QUESTIONS)]
    return {
        "under a rule": under,
        "under none": [f"/news/2026/11/an-article-{number:04d}.html" for number in range(QUESTIONS)],
        "with a query": [f"{path}?page={number}&sort=date" for number, path in enumerate(under)],
    }


def ours(data: bytes) -> Ask:
    match, tokens = RobotsMatcher(parse_robots(data)).match, (TOKEN,)
    return lambda path: match(tokens, path).allowed


def theirs(data: bytes) -> Ask:
    can_fetch = Protego.parse(data.decode()).can_fetch
    return lambda path: can_fetch(path, TOKEN)


def once(ask: Ask, paths: Sequence[str]) -> float:
    """Microseconds per question."""
    start = perf_counter()
    for path in paths:
        ask(path)
    return (perf_counter() - start) / len(paths) * 1e6


def beside(paths: Sequence[str], data: bytes, rounds: int) -> dict[str, float]:
    """Both sides on the same questions, round by round."""
    left, right = ours(data), theirs(data)
    assert [left(path) for path in paths] == [right(path) for path in paths], "the two sides disagree"
    best = [float("inf")] * 2
    for _ in range(rounds):
        best = [min(known, once(ask, paths)) for known, ask in zip(best, (left, right), strict=True)]
    return {"optout_us": best[0], "protego_us": best[1], "ratio": best[1] / best[0]}


def best_of(work: Callable[[], object], rounds: int) -> float:
    """Microseconds that the work takes."""
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        work()
        best = min(best, perf_counter() - start)
    return best * 1e6


def matching(rule: Callable[[int], str], rounds: int) -> list[dict[str, Any]]:
    rows = []
    for count in SIZES:
        data = file_of([rule(number) for number in range(count)])
        for kind, paths in questions(count).items():
            fewer = paths[: max(10, 20_000 // count)]
            rows.append({"rules": count, "paths": kind} | beside(fewer, data, rounds))
    return rows


def parsing(rounds: int) -> list[dict[str, Any]]:
    rows = []
    for count in SIZES:
        data = file_of([literal_rule(number) for number in range(count)])
        text, robots = data.decode(), parse_robots(data)
        mine = best_of(lambda data=data: parse_robots(data), rounds)
        other = best_of(lambda text=text: Protego.parse(text), rounds)
        index = best_of(lambda robots=robots: RobotsMatcher(robots).match((TOKEN,), "/"), rounds)
        rows.append({"rules": count, "optout_us": mine, "first_question_us": index, "protego_us": other})
    return rows


def many_sites(rounds: int) -> list[dict[str, Any]]:
    """A question to each of so many sites in turn, each with a file of 100 rules of its own."""
    rows = []
    for sites in (1, 10, 100, 1_000):
        asks = [ours(file_of([literal_rule(site * 7 + number) for number in range(100)])) for site in range(sites)]
        paths = [path for kind in questions(100).values() for path in kind][: max(10, 3_000 // sites)]
        total = best_of(lambda asks=asks, paths=paths: [ask(path) for path in paths for ask in asks], rounds)
        rows.append({"sites": sites, "optout_us": total / len(paths) / sites})
    return rows


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{title}")
    print("  " + "".join(f"{name:>19}" for name in rows[0]))
    for row in rows:
        cells = (
            f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            for value in row.values()
        )
        print("  " + "".join(f"{cell:>19}" for cell in cells))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    options = arguments.parse_args()
    rounds = 3 if options.quick else 9
    literal, wildcard = matching(literal_rule, rounds), matching(wildcard_rule, max(2, rounds // 3))
    at_1000 = [row["ratio"] for row in literal if row["rules"] == 1_000]
    costs = {count: sum(row["optout_us"] for row in literal if row["rules"] == count) for count in SIZES}
    report = {
        "literal": literal,
        "leading_wildcard": wildcard,
        "parsing": parsing(rounds),
        "sites": many_sites(rounds),
        "least_ratio_at_1000": min(at_1000),
        "growth_10_to_10000": costs[10_000] / costs[10],
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    show("a question, rules with a literal prefix (microseconds)", literal)
    show("a question, rules that begin with a wildcard (microseconds)", wildcard)
    show("reading a file (microseconds)", report["parsing"])
    show("a question, 100 rules a site (microseconds)", report["sites"])
    print(f"\nat 1,000 literal rules: {min(at_1000):.1f} to {max(at_1000):.1f} times faster than Protego")
    print(f"from 10 to 10,000 literal rules a question costs {report['growth_10_to_10000']:.2f} times as much")


if __name__ == "__main__":
    main()
