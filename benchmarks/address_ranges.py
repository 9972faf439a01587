"""What it costs to look an address up in an operator's list, beside a loop over numbers and one over `ipaddress`.

    python benchmarks/address_ranges.py [--json] [--quick]

Every figure is the best of several rounds in microseconds a lookup, and the rounds of all sides alternate, so that a
busy machine slows all. Half of the addresses are on the list. `seen before` are addresses that came not long ago, as a
crawler's do; `new` are read from text each time. The loops end at the first network that fits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import perf_counter

from optout.crawlers.address_ranges import AddressRanges, address_number

SIZES = (26, 1_300, 50_000)  # Anthropic's list, Amazonbot's, and more than all lists together


def networks(count: int) -> list[IPv4Network | IPv6Network]:
    """Networks that do not touch, one in ten of IPv6."""
    return [
        IPv6Network(((0x2A00 << 112) + (place << 65), 64))
        if place % 10 == 9
        else IPv4Network((11 << 24 | place << 6, 27))
        for place in range(count)
    ]


def addresses(listed: Sequence[IPv4Network | IPv6Network], count: int) -> list[str]:
    """Addresses from all over the list, every other one just beside a network."""
    step = max(1, len(listed) // count)
    chosen = [listed[place * step % len(listed)] for place in range(count)]
    return [str(each.network_address + (each.num_addresses if place % 2 else 3)) for place, each in enumerate(chosen)]


def once(has: Callable[[str], bool], asked: Sequence[str]) -> float:
    """Microseconds per address."""
    start = perf_counter()
    for address in asked:
        has(address)
    return (perf_counter() - start) / len(asked) * 1e6


def beside(size: int, rounds: int) -> dict[str, float]:
    """All sides on the same addresses, round by round; the loops see few, because they take long."""
    listed = networks(size)
    ranges = AddressRanges(listed)
    intervals = [(int(each.network_address), int(each.broadcast_address), each.version) for each in listed]

    def linear(text: str) -> bool:
        number, version = int(ip_address(text)), ip_address(text).version
        return any(low <= number <= high and version == kind for low, high, kind in intervals)

    def by_ipaddress(text: str) -> bool:
        address = ip_address(text)
        return any(address in each for each in listed)

    def new(text: str) -> bool:
        number = address_number.__wrapped__(text)
        return number is not None and number in ranges

    many, few = addresses(listed, 2000), addresses(listed, 10)
    assert [ranges.has(each) for each in few] == [by_ipaddress(each) for each in few] == [linear(each) for each in few]
    sides = {
        "seen_before": (ranges.has, many),
        "new": (new, many),
        "loop": (linear, few),
        "ipaddress": (by_ipaddress, few),
    }
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        best = {name: min(best[name], once(*side)) for name, side in sides.items()}
    ratios = {f"{name}_ratio": best[name] / best["new"] for name in ("loop", "ipaddress")}
    return {"networks": size, **{f"{name}_us": value for name, value in best.items()}, **ratios}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    found = [beside(size, 2 if options.quick else 7) for size in SIZES]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print("networks   seen before        new       loop (times new)    ipaddress (times new)")
    for each in found:
        print(
            f"{each['networks']:8,.0f} {each['seen_before_us']:10.2f} us {each['new_us']:7.2f} us"
            f" {each['loop_us']:9.1f} us ({each['loop_ratio']:,.0f}) {each['ipaddress_us']:11.1f} us"
            f" ({each['ipaddress_ratio']:,.0f})"
        )


if __name__ == "__main__":
    main()
