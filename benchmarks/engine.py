"""What a decision costs: examine + conclude, by rules and sites, beside Protego's can_fetch in the same run.

    python benchmarks/engine.py [--json]

Each figure is the best of several rounds, in microseconds; rounds of both sides alternate, so that the ratio holds on
a noisy machine. `literal` rules begin with a path of their own, `wildcard` rules all begin with `*`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from itertools import cycle

from msgspec import structs
from protego import Protego

from optout.crawlers.address_book import AddressBook
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.messages import AddressSource, ClientAddress, Request
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Published, absent, known, parse_published
from optout.testing import make_request

GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)
HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"
ROUNDS = 7
RULES = (10, 100, 1_000, 10_000)
SITES = (1, 10, 100, 1_000, 10_000)


def best(*sides: Callable[[], object], calls: int = 300) -> list[float]:
    """The best microseconds a call of each side, rounds interleaved."""
    found = [float("inf")] * len(sides)
    for _ in range(ROUNDS):
        for place, side in enumerate(sides):
            start = time.perf_counter_ns()
            for _ in range(calls):
                side()
            found[place] = min(found[place], (time.perf_counter_ns() - start) / calls / 1000)
    return found


def robots(rules: int, kind: str) -> str:
    paths = [f"*part-{number}/x" if kind == "wildcard" else f"/part-{number}/x" for number in range(rules)]
    return "User-agent: GPTBot\n" + "".join(f"Disallow: {path}\n" for path in paths)


def published(text: str) -> Published:
    return parse_published(known(ROBOTS_NAME, text.encode()), absent(TDMREP_NAME), authority="site.example")


def engine(*policies: tuple[str, str]) -> Engine:
    registry = bundled_registry()
    return Engine(policy_set(load_policy(text.encode(), name, registry) for name, text in policies), registry)


def by_rules() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for kind in ("literal", "wildcard"):
        for rules in RULES:
            text = robots(rules, kind)
            site, judge = published(text), engine(("policy.yaml", HEAD))
            path = f"/part-{rules // 2}/x/page.html"
            request = make_request(f"https://site.example{path}", GPTBOT)
            peer = Protego.parse(text)
            url = f"https://site.example{path}"
            ours, theirs = best(
                partial(judge.explain, request, site),
                partial(peer.can_fetch, url, "GPTBot"),
                calls=30 if rules > 1000 or kind == "wildcard" else 300,
            )
            rows.append(_row(f"robots rules, {kind}", rules, ours, theirs))
    return rows


def by_clauses() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for rules in RULES:
        clauses = "".join(f"  - {{path: /part-{number}/x, action: deny}}\n" for number in range(rules))
        judge = engine(("policy.yaml", HEAD + "clauses:\n" + clauses))
        site = published("User-agent: *\nDisallow: /drafts/\n")
        request = make_request(f"https://site.example/part-{rules // 2}/x/page.html", GPTBOT)
        (ours,) = best(partial(judge.explain, request, site))
        rows.append(_row("clauses, literal", rules, ours, None))
    return rows


def by_sites() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for sites in SITES:
        named = [(f"{n}.yaml", f"{HEAD}sites: [site-{n}.example]\n") for n in range(sites)]
        judge = engine(*named)
        site = published(robots(100, "literal"))
        requests = [make_request(f"https://site-{n}.example/part-50/x", GPTBOT) for n in range(sites)]
        (ours,) = best(partial(_explain_next, judge, cycle(requests), site), calls=max(2_000, sites))
        rows.append(_row("sites", sites, ours, None))
    return rows


def _explain_next(judge: Engine, requests: Iterator[Request], site: Published) -> object:
    return judge.explain(next(requests), site)


def humans() -> list[dict[str, object]]:
    judge = engine(("policy.yaml", HEAD))
    request = make_request("https://site.example/", CHROME)
    recognize, examine = best(lambda: judge.recognize(CHROME), lambda: judge.examine(request), calls=5000)
    return [_row("a person, recognize", 1, recognize, None), _row("a person, examine", 1, examine, None)]


NETWORKS = 2_000  # of each list
NOW_US = 1_795_000_000_000_000


def by_lists() -> list[dict[str, object]]:
    """`examine` where every list of the registry is at hand, of addresses seen before and of others, and without."""
    registry = bundled_registry()
    networks = tuple(IPv4Network((20 << 24 | number << 13, 24)) for number in range(NETWORKS))
    found = AddressList(prefixes=networks, created="")
    urls = {url for each in registry.crawlers for url in (each.address_list, *each.also_listed) if url}
    book = AddressBook(take_snapshot(url, b"as sent", found, NOW_US) for url in urls)
    policies = policy_set([load_policy(HEAD.encode(), "policy.yaml", registry)])
    listed, plain = Engine(policies, registry, lists=book), Engine(policies, registry)
    few, many = (cycle([_from(21 << 24 | place * 977) for place in range(count)]) for count in (200, 20_000))
    rows = best(
        *(partial(_examine_next, *each) for each in ((plain, few), (listed, few), (listed, many))), calls=20_000
    )
    names = ("examine, no lists", "examine, addresses seen", "examine, new addresses")
    return [_row(name, len(urls) * NETWORKS, us, None) for name, us in zip(names, rows, strict=True)]


def _from(number: int) -> Request:
    client = ClientAddress(address=str(IPv4Address(number)), source=AddressSource.PEER)
    return structs.replace(make_request("https://site.example/x", GPTBOT, received_us=NOW_US), client=client)


def _examine_next(judge: Engine, requests: Iterator[Request]) -> object:
    return judge.examine(next(requests))


def _row(what: str, size: int, ours: float, theirs: float | None) -> dict[str, object]:
    ratio = round(theirs / ours, 1) if theirs is not None else None
    return {
        "what": what,
        "size": size,
        "us": round(ours, 2),
        "protego_us": round(theirs, 2) if theirs is not None else None,
        "protego/optout": ratio,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [*humans(), *by_lists(), *by_rules(), *by_clauses(), *by_sites()]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'examine + conclude':28} {'size':>7} {'us':>9} {'Protego us':>11} {'ratio':>7}")
    for row in rows:
        theirs, ratio = (row[key] if row[key] is not None else "" for key in ("protego_us", "protego/optout"))
        print(f"{row['what']:28} {row['size']:>7} {row['us']:>9} {theirs:>11} {ratio:>7}")


if __name__ == "__main__":
    main()
