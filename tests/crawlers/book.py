"""Crawlers, lists and claims that tests of lists have in common; the addresses are AS112's, and no crawler's."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import ListSnapshot, take_snapshot
from optout.crawlers.model import Claim, Crawler, Purpose, SaidBy
from optout.crawlers.registry import load_registry
from optout.messages import AddressSource, ClientAddress

DAY_US = 86_400_000_000
NOW_US = 1_795_000_000_000_000
URL = "https://bots.example/exbot.json"
ON, OFF = "192.31.196.7", "192.175.48.7"
EXBOT = Crawler(
    name="ExBot", operator="Example", purposes=(Purpose.TRAIN,), address_list=URL, address_list_complete=True
)
LOOSE = replace(EXBOT, name="LooseBot", address_list_complete=False)


def snapshot(url: str = URL, *, age_days: float = 1, networks: tuple[str, ...] = ("192.31.196.0/24",)) -> ListSnapshot:
    """A list of that age."""
    found = AddressList(prefixes=tuple(map(ip_network, networks)), created="2026-11-01")
    return take_snapshot(url, b"as sent", found, NOW_US - round(age_days * DAY_US))


def claim(*crawlers: Crawler, contradiction: str = "") -> Claim:
    """A request that names them, the first one governing."""
    first = crawlers[0]
    return Claim(
        crawler=first, token=first.name, said_by=SaidBy.USER_AGENT, named=crawlers, contradiction=contradiction
    )


def client(address: str) -> ClientAddress:
    """Somebody whose address is known."""
    return ClientAddress(address=address, source=AddressSource.PEER)


REGISTRY = load_registry(
    {
        "example.yaml": f"""
operator: Example
crawlers:
- name: ExBot
  purposes: [train]
  tokens: [ExBot]
  robots_tokens: [ExBot]
  address_list: {URL}
  address_list_complete: true
  sources:
  - {{facts: [purposes, tokens, robots_tokens, address_list, address_list_complete], text: made up, date: 2026-11-26}}
""".encode()
    }
)
"""A crawler whose operator vouches for his list; no real one is known to."""
