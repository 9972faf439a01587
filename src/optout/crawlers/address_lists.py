"""The address lists that operators publish, in every form that is in use (crawlers.md part 4.1).

    {"creationTime": "...", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": "2001:db8::/32"}]}

is the usual one (draft-illyes-webbotauth-jafar-00). AWS writes `ip_prefix` and `ipv6_prefixes`, Amazon puts such a JSON
text, escaped, into the `<pre>` of an HTML page, Meta publishes a geofeed (RFC 8805), others a line per network.
What has none of these forms gives faults, never an exception. Addresses are never picked out of running text: a list
scraped from the wrong page once held "000/0".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

import msgspec

Network = IPv4Network | IPv6Network

LIST_LIMIT = 4 * 1024 * 1024  # octets; the longest list in use, AWS's of all its services, has about half of that
MOST_PREFIXES = 100_000  # the longest list of a crawler, Amazonbot's, has about 1,300
MOST_FAULTS = 20
_LONGEST_PREFIX = 43  # characters: eight groups of an IPv6 address, and its length
_LONGEST_QUOTE = 60  # characters of what is not understood

_LISTS = ("prefixes", "ipv4_prefixes", "ipv6_prefixes")
_PREFIXES = ("ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix")
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFault:
    """Something in a list that cannot be read. `text` may quote the list: escape it before it is shown.

    `code` is `too-long`, `form` (none that is known), `entry` (one that names no network) or `empty`.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressList:
    """The networks of one list in the order of the file, each once, and what could not be read.

    `created` is the operator's own date as written, "" without one: its forms differ, and it proves nothing.
    """

    prefixes: tuple[Network, ...] = ()
    faults: tuple[ListFault, ...] = ()
    created: str = ""


def parse_address_list(data: bytes) -> AddressList:
    """The networks that `data` lists. Never raises; linear; at most MOST_FAULTS faults are told."""
    if len(data) > LIST_LIMIT:
        return _fault("too-long", f"more than {LIST_LIMIT} octets")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").strip()
    if text.startswith(("{", "[")):
        return _from_json(text)
    if text.startswith("<"):
        return _from_page(text)
    return _read(_lines(text), "")


def parse_prefix(text: str) -> Network | None:
    """The network that `text` names; a bare address is a network of one, host bits are dropped. None for all else."""
    if len(text) > _LONGEST_PREFIX or "%" in text:  # a zone means something on one machine alone
        return None
    try:
        found = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):  # ::ffff:192.0.2.0/120 is 192.0.2.0/24
        low = int(found.network_address) & 0xFFFF_FFFF
        return IPv4Network((IPv4Address(low), found.prefixlen - 96))
    return found


def _fault(code: str, text: str) -> AddressList:
    return AddressList(faults=(ListFault(code=code, text=text),))


def _from_json(text: str) -> AddressList:
    try:
        form: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _fault("form", "it begins like JSON and is none, or is cut short")
    created = form.get("creationTime", "") if isinstance(form, dict) else ""
    return _read(_entries(form), created[:_LONGEST_QUOTE] if isinstance(created, str) else "")


def _entries(form: object) -> Iterator[object]:
    """Every entry that the known keys hold; an object without such a key yields nothing."""
    if isinstance(form, list):
        yield from form
    elif isinstance(form, dict):
        for key in _LISTS:
            found = form.get(key, ())
            yield from found if isinstance(found, list | tuple) else (found,)


_PRE = re.compile(r"<pre\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def _from_page(page: str) -> AddressList:
    """The JSON in a page's `<pre>` (Amazon). A page with none is an error page, a login or a list for people's eyes."""
    start = _PRE.search(page)
    end = -1 if start is None else page.find("</pre", start.end())
    if start is None or end < 0:
        return _fault("form", "an HTML page without a list in its <pre>")
    text = unescape(_TAG.sub("", page[start.end() : end])).strip()
    return _from_json(text) if text.startswith(("{", "[")) else _fault("form", "the <pre> of the HTML page is no JSON")


def _lines(text: str) -> Iterator[str]:
    """The first column of every line that is no comment: a plain list, or a geofeed (RFC 8805 section 2.1)."""
    for line in text.splitlines():
        entry = line.partition("#")[0].partition(",")[0].strip()
        if entry:
            yield entry


def _read(entries: Iterator[object], created: str) -> AddressList:
    found: dict[Network, None] = {}
    faults: list[ListFault] = []
    for entry in entries:
        for text in _named(entry):
            network = parse_prefix(text) if isinstance(text, str) else None
            if network is not None:
                found[network] = None
            elif len(faults) < MOST_FAULTS:
                faults.append(ListFault(code="entry", text=_unread(text)))
        if len(found) > MOST_PREFIXES:
            return _fault("too-long", f"more than {MOST_PREFIXES} networks")
    if not found and not faults:
        faults.append(ListFault(code="empty", text="it lists no network"))
    return AddressList(prefixes=tuple(found), faults=tuple(faults), created=created)


def _unread(entry: object) -> str:
    # Not repr(): what is nested a thousand times would raise.
    return f"no network: {entry[:_LONGEST_QUOTE]!r}" if isinstance(entry, str) else "an entry of an unknown form"


def _named(entry: object) -> Iterator[object]:
    """What an entry names as networks: itself, or the values of the known keys; the entry itself where it has none."""
    if not isinstance(entry, dict):
        yield entry
        return
    values = [entry[key] for key in _PREFIXES if key in entry]
    yield from values or (entry,)
