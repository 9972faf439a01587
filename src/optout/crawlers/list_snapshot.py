"""One operator's address list as it was fetched on one day: a JSON file that a person can read and a record can name.

    {"url": "https://example.com/bot.json", "fetched": "2026-11-26T08:00:00Z", "days": 14,
     "sha256": "<of the octets that the operator sent>", "created": "<his own date>", "prefixes": ["192.31.196.0/24"]}

`sha256` says what was fetched; the SHA-256 of this file itself goes into every record that rests on it. A list older
than `days` proves nothing any more: ranges move within weeks (crawlers.md part 4.1).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from optout.crawlers.address_lists import AddressList, Network, parse_prefix
from optout.crawlers.address_ranges import AddressRanges, list_faults
from optout.errors import RegistryError

AGE_LIMIT_DAYS = 14  # twice the week in which a list should be fetched anew: one failed fetch makes nothing stale
MOST_DAYS = 90
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # what lies near the ends of the calendar cannot be computed with
_DAY_US = 86_400_000_000
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListSnapshot:
    """A list with where and when it was fetched (microseconds since 1970 UTC). `sha256` (hex) names `document`."""

    url: str
    fetched_us: int
    days: int
    created: str
    prefixes: tuple[Network, ...] = field(repr=False)
    document: bytes = field(repr=False)
    sha256: str
    ranges: AddressRanges = field(repr=False)

    def is_fresh(self, now_us: int) -> bool:
        """Whether the list may still prove something. One from the future, by more than a day, may not."""
        return -_DAY_US <= now_us - self.fetched_us <= self.days * _DAY_US

    @property
    def fetched(self) -> str:
        """When it was fetched, as written in the file."""
        return _date(self.fetched_us)


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    fetched: datetime
    sha256: str
    prefixes: tuple[str, ...]
    created: str = ""
    days: int = AGE_LIMIT_DAYS


def take_snapshot(url: str, data: bytes, found: AddressList, fetched_us: int) -> ListSnapshot:
    """The snapshot of `found`, which was read from the octets `data`; RegistryError for a list that is refused."""
    form = {
        "url": url,
        "fetched": _date(fetched_us),
        "days": AGE_LIMIT_DAYS,
        "sha256": hashlib.sha256(data).hexdigest(),
        "created": found.created,
        "prefixes": [str(each) for each in found.prefixes],
    }
    return load_snapshot(snapshot_name(url), msgspec.json.format(msgspec.json.encode(form), indent=1) + b"\n")


def load_snapshot(name: str, document: bytes) -> ListSnapshot:
    """The snapshot in a file of ours; RegistryError for what is none, and for what no list may hold."""
    try:
        form = msgspec.json.decode(document, type=_Form)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise _wrong(name, f"no snapshot of an address list: {fault}") from fault
    if form.fetched.tzinfo is None or not _FIRST_YEAR <= form.fetched.year <= _LAST_YEAR:
        raise _wrong(name, "`fetched` is no date of our time, with its time zone")
    if not 1 <= form.days <= MOST_DAYS:
        raise _wrong(name, f"`days` is not 1 to {MOST_DAYS}")
    prefixes: list[Network] = []
    for text in form.prefixes:
        network = parse_prefix(text)
        if network is None:
            raise _wrong(name, f"no network: {text[:60]!r}")
        prefixes.append(network)
    for refused in list_faults(AddressList(prefixes=tuple(prefixes))):
        raise _wrong(name, refused.text)
    return ListSnapshot(
        url=form.url,
        fetched_us=int(form.fetched.timestamp()) * 1_000_000,
        days=form.days,
        created=form.created,
        prefixes=tuple(prefixes),
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        ranges=AddressRanges(prefixes),
    )


def snapshot_name(url: str) -> str:
    """The name of the file for the list at `url`: its host and path, without anything that a file system minds."""
    parts = urlsplit(url)
    words = re.sub(r"[^a-z0-9]+", "-", f"{parts.netloc}{parts.path}".lower().removesuffix(_SUFFIX)).strip("-")
    return words + _SUFFIX


def _date(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(name: str, what: str) -> RegistryError:
    return RegistryError(f"{name}: {what}", "Run `optout crawlers update`, which writes these files.")
