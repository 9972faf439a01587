"""Every operator's list at hand, and what it says of one claim.

Rule 1: only a fresh list says anything, and only of an address that is known (design part 5.12).
Rule 2: that an address is missing contradicts a claim only where the operator says that its list is complete; a
program that people run on their own computers never has such a list (crawlers.md part 3, Claude Code).
Rule 3: suspect our list first. Where more than half of the claims within an hour would be contradicted, the operator
has moved sooner than we have looked: from then on that list contradicts nobody until it is fetched anew. Whoever
forges claims to bring that about is unverified instead, which gives him nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from optout.crawlers.address_ranges import address_number
from optout.crawlers.list_snapshot import ListSnapshot, load_snapshot
from optout.crawlers.model import Claim, Crawler
from optout.errors import RegistryError
from optout.messages import AddressSource, ClientAddress

HOUR_US = 3_600_000_000
FEWEST_ABSENT = 10  # claims: of two, one is half, and says nothing about a list


class Listing(StrEnum):
    """What the operator's list says of a claim. Closed."""

    NOT_ASKED = "not-asked"  # the operator publishes no list, or no list at all was ever fetched
    HIDDEN = "hidden"  # the client's address is unknown
    MISSING = "missing"  # the operator's list was never fetched
    STALE = "stale"  # it is too old
    DOUBTED = "doubted"  # rule 3
    LISTED = "listed"
    UNLISTED = "unlisted"  # not on it, which proves nothing
    ABSENT = "absent"  # not on it, and the operator says that it is complete


class Looked(NamedTuple):
    """What a claim is worth by a list, and the list: the one that holds the address, else the crawler's own."""

    listing: Listing
    snapshot: ListSnapshot | None = None


NOT_LOOKED = Looked(Listing.NOT_ASKED)


class _Hour:
    """How an hour's claims fared with one list; `doubted` stays for as long as the list."""

    __slots__ = ("absent", "claims", "doubted", "since_us")

    def __init__(self) -> None:
        self.since_us = 0
        self.claims = 0
        self.absent = 0
        self.doubted = False

    def count(self, now_us: int, *, is_absent: bool) -> None:
        if not self.since_us <= now_us < self.since_us + HOUR_US:
            self.since_us, self.claims, self.absent = now_us, 0, 0
        self.claims += 1
        self.absent += is_absent
        if self.absent >= FEWEST_ABSENT and self.absent * 2 > self.claims:
            self.doubted = True


class AddressBook:
    """Snapshots by the URL that they were fetched from. Immutable but for the counts of rule 3; made anew on change."""

    __slots__ = ("_by_url", "_hours")

    def __init__(self, snapshots: Iterable[ListSnapshot] = ()) -> None:
        self._by_url = {each.url: each for each in snapshots}
        self._hours = {url: _Hour() for url in self._by_url}

    def __bool__(self) -> bool:
        """Whether there is any list."""
        return bool(self._by_url)

    @property
    def snapshots(self) -> tuple[ListSnapshot, ...]:
        """Every list."""
        return tuple(self._by_url.values())

    @property
    def doubted(self) -> tuple[ListSnapshot, ...]:
        """The lists that rule 3 has put out of use."""
        return tuple(self._by_url[url] for url, hour in self._hours.items() if hour.doubted)

    def after(self, earlier: AddressBook) -> AddressBook:
        """This book, with the doubts of an earlier one about lists that have not been fetched since."""
        for url, hour in earlier._hours.items():
            if url in self._by_url and self._by_url[url].sha256 == earlier._by_url[url].sha256:
                self._hours[url] = hour
        return self

    def look(self, claim: Claim, client: ClientAddress, now_us: int) -> Looked:
        """What the lists say of `claim`, made from `client` at `now_us`; the claim is counted (rule 3).

        Where a request names several crawlers, the governing one's list decides; it contradicts only where every
        other named one's does, too.
        """
        crawler = claim.crawler
        if not self._by_url or not crawler.address_list:
            return NOT_LOOKED
        found = self._one(crawler, client, now_us)
        listing, snapshot = found
        if snapshot is not None and (listing is Listing.LISTED or listing is Listing.ABSENT):
            hour = self._hours[snapshot.url]
            hour.count(now_us, is_absent=listing is Listing.ABSENT)
            if hour.doubted and listing is Listing.ABSENT:
                return Looked(Listing.DOUBTED, snapshot)
        if listing is Listing.ABSENT and len(claim.named) > 1:
            others = (self._one(other, client, now_us).listing for other in claim.named[1:])
            if not all(other is Listing.ABSENT for other in others):
                return Looked(Listing.UNLISTED, snapshot)
        return found

    def _one(self, crawler: Crawler, client: ClientAddress, now_us: int) -> Looked:
        """What the crawler's own list says, or another of its operator's that is as good and holds the address."""
        if not crawler.address_list:
            return NOT_LOOKED
        text = None if client.source is AddressSource.UNKNOWN else client.address
        number = None if text is None else address_number(text)
        own = self._by_url.get(crawler.address_list)
        fresh = own is not None and own.is_fresh(now_us)
        if own is not None and fresh and number is not None and number in own.ranges:
            return Looked(Listing.LISTED, own)
        is_absent = crawler.address_list_complete
        for url in crawler.also_listed:
            other = self._by_url.get(url)
            if other is None or not other.is_fresh(now_us):
                is_absent = False
            elif number is not None and number in other.ranges:
                return Looked(Listing.LISTED, other)
        if own is None:
            return Looked(Listing.MISSING)
        if not fresh:
            return Looked(Listing.STALE, own)
        if number is None:
            return Looked(Listing.HIDDEN, own)
        return Looked(Listing.ABSENT if is_absent else Listing.UNLISTED, own)


NO_LISTS = AddressBook()


def load_address_book(files: Mapping[str, bytes]) -> tuple[AddressBook, tuple[RegistryError, ...]]:
    """The book of `files` (name to bytes). A file that is wrong is left out and told: its list proves nothing."""
    snapshots: list[ListSnapshot] = []
    problems: list[RegistryError] = []
    for name in sorted(files):
        try:
            snapshots.append(load_snapshot(name, files[name]))
        except RegistryError as fault:
            problems.append(fault)
    return AddressBook(snapshots), tuple(problems)
