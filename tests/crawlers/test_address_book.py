"""What the lists say of a claim, and when they say nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optout.crawlers.address_book import FEWEST_ABSENT, HOUR_US, NO_LISTS, AddressBook, Listing, load_address_book
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import bundled_registry
from optout.identity import Standing, identify
from optout.messages import UNKNOWN_CLIENT
from tests.crawlers.book import DAY_US, EXBOT, LOOSE, NOW_US, OFF, ON, claim, client, snapshot

LISTLESS = Crawler(name="Y", operator="Y", purposes=(Purpose.TRAIN,))
ELSEWHERE = replace(EXBOT, name="OtherBot", address_list="https://other.example/bot.json")


def look(book: AddressBook, *crawlers: Crawler, address: str = ON, now_us: int = NOW_US) -> Listing:
    return book.look(claim(*crawlers), client(address), now_us).listing


@pytest.mark.parametrize(
    ("crawler", "address", "age_days", "expected"),
    [
        (EXBOT, ON, 1, Listing.LISTED),
        (EXBOT, "::ffff:" + ON, 1, Listing.LISTED),
        (EXBOT, OFF, 1, Listing.ABSENT),
        (EXBOT, "2620:4f:8000::1", 1, Listing.ABSENT),
        (EXBOT, ON, 15, Listing.STALE),
        (EXBOT, OFF, 15, Listing.STALE),
        (LOOSE, ON, 1, Listing.LISTED),
        (LOOSE, OFF, 1, Listing.UNLISTED),
        (EXBOT, "nobody", 1, Listing.HIDDEN),
        (ELSEWHERE, ON, 1, Listing.MISSING),
        (LISTLESS, ON, 1, Listing.NOT_ASKED),
    ],
)
def test_what_a_list_says(crawler: Crawler, address: str, age_days: float, expected: Listing) -> None:
    assert look(AddressBook([snapshot(age_days=age_days)]), crawler, address=address) is expected


def test_without_any_list_nothing_is_asked() -> None:
    assert look(NO_LISTS, EXBOT) is Listing.NOT_ASKED
    assert not NO_LISTS
    assert AddressBook([snapshot()])


def test_of_a_hidden_client_nothing_is_concluded() -> None:
    assert AddressBook([snapshot()]).look(claim(EXBOT), UNKNOWN_CLIENT, NOW_US).listing is Listing.HIDDEN


def test_a_list_is_its_crawlers_own() -> None:
    book = AddressBook([snapshot(), snapshot(ELSEWHERE.address_list, networks=("192.175.48.0/24",))])
    assert look(book, EXBOT, address=OFF) is Listing.ABSENT  # OFF is on the other list
    assert look(book, ELSEWHERE, address=OFF) is Listing.LISTED


def test_another_list_of_its_operator_is_as_good_and_is_the_one_that_is_named() -> None:
    both = replace(EXBOT, also_listed=(ELSEWHERE.address_list,))
    own, other = snapshot(), snapshot(ELSEWHERE.address_list, networks=("192.52.193.0/24",))
    book = AddressBook([own, other])
    assert book.look(claim(both), client(ON), NOW_US) == (Listing.LISTED, own)
    assert book.look(claim(both), client("192.52.193.1"), NOW_US) == (Listing.LISTED, other)
    assert book.look(claim(both), client(OFF), NOW_US) == (Listing.ABSENT, own)
    assert AddressBook([other]).look(claim(both), client("192.52.193.1"), NOW_US) == (Listing.LISTED, other)


def test_nobody_is_contradicted_while_one_of_the_lists_is_missing_or_stale() -> None:
    both = replace(EXBOT, also_listed=(ELSEWHERE.address_list,))
    assert look(AddressBook([snapshot()]), both, address=OFF) is Listing.UNLISTED
    old = snapshot(ELSEWHERE.address_list, age_days=15)
    assert look(AddressBook([snapshot(), old]), both, address=OFF) is Listing.UNLISTED
    assert (
        look(AddressBook([snapshot(age_days=15), snapshot(ELSEWHERE.address_list)]), both, address=OFF) is Listing.STALE
    )


def test_who_names_several_is_contradicted_only_by_all_their_lists() -> None:
    book = AddressBook([snapshot(), snapshot(ELSEWHERE.address_list, networks=("192.52.193.0/24",))])
    assert look(book, EXBOT, ELSEWHERE, address=OFF) is Listing.ABSENT
    assert look(book, EXBOT, LISTLESS, address=OFF) is Listing.UNLISTED
    assert look(book, EXBOT, ELSEWHERE, address="192.52.193.1") is Listing.UNLISTED
    assert look(book, EXBOT, LISTLESS, address=ON) is Listing.LISTED


def test_a_list_that_contradicts_most_claims_is_doubted_until_it_is_fetched_anew() -> None:
    book = AddressBook([snapshot()])
    said = [look(book, EXBOT, address=OFF, now_us=NOW_US + place) for place in range(FEWEST_ABSENT + 5)]
    assert said == [Listing.ABSENT] * (FEWEST_ABSENT - 1) + [Listing.DOUBTED] * 6
    assert book.doubted == book.snapshots
    assert look(book, EXBOT, address=ON) is Listing.LISTED  # what it holds, it holds
    assert look(book, EXBOT, address=OFF, now_us=NOW_US + 5 * HOUR_US) is Listing.DOUBTED
    reread = AddressBook([snapshot()]).after(book)
    assert look(reread, EXBOT, address=OFF) is Listing.DOUBTED
    anew = AddressBook([snapshot(age_days=0)]).after(book)
    assert (anew.doubted, look(anew, EXBOT, address=OFF)) == ((), Listing.ABSENT)


def test_a_few_forgeries_among_many_true_claims_stay_contradicted() -> None:
    book = AddressBook([snapshot()])
    for place in range(100):
        assert look(book, EXBOT, address=ON, now_us=NOW_US + place) is Listing.LISTED
        if place % 2:
            assert look(book, EXBOT, address=OFF, now_us=NOW_US + place) is Listing.ABSENT
    assert book.doubted == ()


def test_one_hours_claims_are_not_counted_with_another_hours() -> None:
    book = AddressBook([snapshot()])
    for hour in range(5):
        for place in range(FEWEST_ABSENT - 1):
            assert look(book, EXBOT, address=OFF, now_us=NOW_US + hour * HOUR_US + place) is Listing.ABSENT


def test_a_broken_file_is_left_out_and_told() -> None:
    book, problems = load_address_book({"b.json": snapshot().document, "a.json": b"{}"})
    assert [each.url for each in book.snapshots] == [EXBOT.address_list]
    assert [str(each).partition(":")[0] for each in problems] == ["a.json"]
    assert book.look(claim(EXBOT), client(ON), NOW_US).snapshot is book.snapshots[0]


def test_a_foreign_address_contradicts_whoever_has_a_complete_list_and_nobody_else() -> None:
    registry = bundled_registry()
    lists = {url for each in registry.crawlers for url in (each.address_list, *each.also_listed) if url}
    book = AddressBook(snapshot(url) for url in lists)
    complete = {each.name for each in registry.crawlers if each.address_list_complete}
    assert complete >= {"DuckAssistBot", "DuckDuckBot", "ShapBot", "Google-GeminiNotebook"}
    for crawler in registry.crawlers:
        if not crawler.address_list:
            continue
        on, off = (book.look(claim(crawler), client(address), NOW_US) for address in (ON, OFF))
        assert identify(claim(crawler), *on).standing is Standing.VERIFIED
        expected = Standing.CONTRADICTED if crawler.name in complete else Standing.UNVERIFIED
        assert identify(claim(crawler), *off).standing is expected
        stale = book.look(claim(crawler), client(OFF), NOW_US + 30 * DAY_US)
        assert identify(claim(crawler), *stale).standing is Standing.UNVERIFIED
