"""What a user's own tests are given."""

from __future__ import annotations

from optout.lookups import PublishedDocuments
from optout.messages import AddressSource
from optout.testing import FakeResolver, make_request


def test_the_same_words_make_the_same_request() -> None:
    words = ("https://Photos.Example:8443/a?b#c", "GPTBot/1.0")
    assert make_request(*words) == make_request(*words)
    request = make_request(*words, method="POST", headers=[("Accept", "text/html")], ip="203.0.113.9")
    assert (request.authority, request.target, request.scheme) == ("photos.example:8443", "/a?b", "https")
    assert request.user_agent == "GPTBot/1.0"
    assert request.fields.first("accept") == "text/html"
    assert (request.client.address, request.client.source) == ("203.0.113.9", AddressSource.PEER)


def test_a_url_without_a_path_means_the_root() -> None:
    assert make_request("https://photos.example").target == "/"
    assert make_request("https://photos.example?x").target == "/?x"


async def test_a_resolver_of_a_table_leaves_out_what_it_does_not_know() -> None:
    known, unknown = PublishedDocuments(authority="a.example"), PublishedDocuments(authority="b.example")
    resolver = FakeResolver({known: 1})
    assert await resolver.resolve([known, unknown]) == {known: 1}
    assert resolver.asked == [known, unknown]
