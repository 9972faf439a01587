"""RSL documents and feeds: which URLs, what is passed over, and what a stranger's file may try."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals.rsl import parse_rsl
from optout.signals.rsl_model import NAMESPACE, Rsl
from optout.signals.rsl_uses import RslMatcher
from optout.signals.rsl_xml import LARGEST_FILE
from tests.calls import calls_of


def read(inside: str) -> Rsl:
    return parse_rsl(f'<rsl xmlns="{NAMESPACE}">\n{inside}\n</rsl>'.encode())


def codes(inside: str) -> list[str]:
    return [str(fault.code) for fault in read(inside).faults]


@pytest.mark.parametrize(
    ("url", "octets", "authority"),
    [
        ("/", b"/", ""),
        ("/a b", b"/a%20b", ""),
        ("*.jpg$", b"*.jpg$", ""),
        ("https://Site.Example/a", b"/a", "site.example"),
        ("https://site.example", b"/", "site.example"),
        ("http://site.example:8080/*", b"/*", "site.example:8080"),
    ],
)
def test_a_url_is_a_path_or_absolute(url: str, octets: bytes, authority: str) -> None:
    rsl = read(f'<content url="{url}"><license/></content>')
    assert rsl.faults == ()
    assert (rsl.contents[0].pattern.octets, rsl.contents[0].authority) == (octets, authority)


@pytest.mark.parametrize(
    "url", ["", "images/", "//site.example/", "https:///a", "ftp://site.example/", "https://*.site.example/", "a:b"]
)
def test_any_other_url_is_passed_over_and_the_document_permits_nothing_more(url: str) -> None:
    rsl = read(f'<content url="{url}"><license/></content><content url="/"><license/></content>')
    assert [content.line for content in rsl.contents] == [2]
    assert [fault.code for fault in rsl.faults] == ["bad-url"]
    assert not rsl.is_sound


def test_a_content_without_a_url_is_passed_over() -> None:
    assert codes("<content><license/></content>") == ["bad-url"]


def test_lines_and_faults_are_in_the_order_of_the_file() -> None:
    rsl = read('<content url="/a"><license/></content>\n<x/>\n<content url="b"><license/></content>')
    assert rsl.contents[0].line == 2
    assert [(fault.line, fault.code) for fault in rsl.faults] == [(3, "unknown-element"), (4, "bad-url")]


@pytest.mark.parametrize("name", ["copyright", "terms", "schema"])
def test_of_some_elements_there_is_one(name: str) -> None:
    inside = f"<{name}>https://site.example/</{name}>" * 2
    assert codes(f'<content url="/"><license/>{inside}</content>') == ["duplicate-element"]


@pytest.mark.parametrize(
    "attributes", ['server="api.example"', 'encrypted="yes" server="https://a.example"', 'lastmod="2026-01-02"']
)
def test_a_value_that_cannot_be_used_is_reported(attributes: str) -> None:
    assert codes(f'<content url="/" {attributes}><license/></content>') == ["bad-value"]


def test_a_server_that_cannot_be_used_still_means_that_a_token_is_needed() -> None:
    assert read('<content url="/" server="api.example"><license/></content>').contents[0].needs_token


def test_a_document_without_content_says_nothing() -> None:
    assert codes("") == ["no-content"]


ITEM = f'<r:content xmlns:r="{NAMESPACE}"><r:license/></r:content>'


@pytest.mark.parametrize(
    "feed",
    [
        f"<rss><channel><item>{ITEM}<link>https://site.example/a*b</link></item></channel></rss>",
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="https://x.example/"/>'
        f'<link href="https://site.example/a*b"/>{ITEM}</entry></feed>',
        f'<f:RDF xmlns:f="urn:f" xmlns="http://purl.org/rss/1.0/"><item>{ITEM}'
        "<link>https://site.example/a*b</link></item></f:RDF>",
    ],
)
def test_a_content_of_an_item_without_a_url_is_about_exactly_what_the_item_links_to(feed: str) -> None:
    rsl = parse_rsl(feed.encode())
    assert rsl.faults == ()
    matcher = RslMatcher(rsl)
    assert len(matcher.match("/a*b", "site.example")) == 1
    assert matcher.match("/a*bc", "site.example") == matcher.match("/axb", "site.example") == ()


def test_a_content_outside_of_an_item_is_not_read() -> None:
    rsl = parse_rsl(f"<rss><channel>{ITEM}<item>{ITEM}</item></channel></rss>".encode())
    assert rsl.contents == ()
    assert [fault.code for fault in rsl.faults] == ["outside-item", "bad-url"]


def test_a_document_in_a_page_has_the_lines_of_the_page() -> None:
    rsl = parse_rsl(b'\n<rsl xmlns="%s">\n<content url=""/></rsl>' % NAMESPACE.encode(), in_page=True, first_line=10)
    assert rsl.contents[0].line == 12
    assert rsl.faults[0].line == 12


HOSTILE: dict[str, Callable[[int], str]] = {
    "contents": lambda count: '<content url="/a"><license/></content>' * count,
    "different contents": lambda count: "".join(f'<content url="/{n}"><license/></content>' for n in range(count)),
    "licenses": lambda count: f'<content url="/">{"<license/>" * count}</content>',
    "lists": lambda count: f'<content url="/"><license>{"<permits/>" * count}</license></content>',
    "tokens": lambda count: (
        f'<content url="/"><license><permits type="usage">{"a, " * count}</permits></license></content>'
    ),
    "wildcards": lambda count: f'<content url="/{"*a" * count}$"><license/></content>',
    "unknown": lambda count: "<x/>" * count,
    "urls": lambda count: f'<content url="https://{"a" * count}/"><license/></content>',
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_document(shape: str) -> None:
    def work(count: int) -> int:
        return calls_of(lambda: RslMatcher(read(HOSTILE[shape](count))).statements("/" + "a" * count, "", "RSL"))

    assert work(800) <= 4.5 * work(200) + 200


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_largest_document_of_every_hostile_shape_is_read_to_an_end(shape: str) -> None:
    data = f'<rsl xmlns="{NAMESPACE}">{HOSTILE[shape](60_000)}'.encode()[:LARGEST_FILE]
    RslMatcher(parse_rsl(data)).statements("/" + "a" * 8_000, "site.example", "RSL")


_WORDS = st.sampled_from(
    [
        *(
            f"<{name}"
            for name in "rsl content license permits prohibits payment amount reporting legal rss item".split()
        ),
        *(f"</{name}>" for name in "rsl content license permits prohibits payment amount item".split()),
        *(' type="usage"', ' url="/"', ' url=""', ">", "/>", "ai-train", "search,", f' xmlns="{NAMESPACE}"', "\n"),
    ]
)


@given(
    st.binary(max_size=200) | st.lists(_WORDS, max_size=40).map(lambda words: "".join(words).encode()), st.booleans()
)
def test_any_bytes_are_a_document(data: bytes, in_page: bool) -> None:
    rsl = parse_rsl(data, in_page=in_page)
    assert rsl.contents or rsl.faults
    for statement in RslMatcher(rsl).statements("/a", "site.example", "RSL"):
        assert rsl.is_sound or statement.preference == "disallowed"
    for fault in rsl.faults:
        assert fault.text.isascii()
        assert fault.text.isprintable()
