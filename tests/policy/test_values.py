"""policy.values: what a single value of the file may be, and that it can be put into a field as it is."""

from __future__ import annotations

import pytest

from optout.policy import values
from optout.policy.values import WrongValueError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Photos.Example", "photos.example"),
        ("photos.example.", "photos.example"),
        ("photos.example:8080", "photos.example:8080"),
        ("photos.example:443", "photos.example"),
        ("photos.example:80", "photos.example"),
        ("*.photos.example", "*.photos.example"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("[2001:DB8::1]:8443", "[2001:db8::1]:8443"),
        ("localhost", "localhost"),
        ("*", "*"),
    ],
)
def test_a_site_is_brought_into_the_form_that_requests_have(written: str, meant: str) -> None:
    assert values.site(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", " ", "a b", "https://a.example", "a/b", "me@a.example", "*.*", "a.*", "**", "a..b", ".a", "*.a:80", "a:x"],
)
def test_what_names_no_site_is_refused(written: str) -> None:
    with pytest.raises(WrongValueError):
        values.site(written)


@pytest.mark.parametrize(
    "written",
    ["/terms", "/a/b.html?c=d#e", "https://photos.example/terms", "http://photos.example:8080", "https://[::1]/%C3%A9"],
)
def test_an_address_stays_as_it_was_written(written: str) -> None:
    assert values.url(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "terms",
        "//evil.example/",
        "ftp://a.example/",
        "javascript:alert(1)",
        "HTTPS://a.example/",
        "https://",
        "https:///a",
        "https://me:secret@a.example/",
        "https://a.example/ b",
        "https://a.example/\r\nSet-Cookie: a=b",
        "/a\tb",
        '/a">',
        "/<script>",
        "/a\\b",
        "/é",
        "/%",
        "/%zz",
        "/" + "a" * 2048,
        "/a\n",
    ],
)
def test_an_address_that_could_harm_a_field_or_a_reader_is_refused(written: str) -> None:
    with pytest.raises(WrongValueError):
        values.url(written)


def test_a_tdm_policy_is_an_absolute_https_address() -> None:
    assert values.secure_url("https://a.example/tdm") == "https://a.example/tdm"
    for written in ("/tdm", "http://a.example/tdm"):
        with pytest.raises(WrongValueError):
            values.secure_url(written)


@pytest.mark.parametrize(
    "written", ["https://l.example", "/olp", "http://localhost:9", "http://[::1]:9/", "http://127.0.0.1"]
)
def test_a_license_server_is_reached_safely(written: str) -> None:
    assert values.server_url(written) == written


@pytest.mark.parametrize(
    "written", ["http://l.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example"]
)
def test_license_tokens_do_not_travel_in_the_clear(written: str) -> None:
    with pytest.raises(WrongValueError, match="in the clear"):
        values.server_url(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("me@photos.example", "mailto:me@photos.example"),
        ("mailto:me+ai@photos.example", "mailto:me+ai@photos.example"),
        ("/contact", "/contact"),
        ("https://photos.example/@me", "https://photos.example/@me"),
    ],
)
def test_a_contact_is_a_mailbox_or_an_address(written: str, meant: str) -> None:
    assert values.contact(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "me",
        "me@here",
        "a@b@c.example",
        "me@photos.example?subject=x",
        "mailto:",
        "me@x.example\n",
        "me@" + "a." * 200 + "example",
    ],
)
def test_a_contact_that_nobody_can_reach_is_refused(written: str) -> None:
    with pytest.raises(WrongValueError):
        values.contact(written)


@pytest.mark.parametrize(
    ("address", "sites", "path"),
    [
        ("/terms#a", ("photos.example",), "/terms"),
        ("https://photos.example/terms?a=b#c", ("photos.example",), "/terms?a=b"),
        ("https://photos.example:8443/terms", ("photos.example",), "/terms"),
        ("https://photos.example", ("photos.example",), "/"),
        ("https://a.photos.example/terms", ("*.photos.example",), "/terms"),
        ("https://photos.example/terms", ("*.photos.example",), None),
        ("https://evilphotos.example/terms", ("*.photos.example", "photos.example"), None),
        ("https://anywhere.example/terms", ("*",), "/terms"),
        ("mailto:me@photos.example", ("photos.example",), None),
    ],
)
def test_the_path_of_an_address_on_the_site_itself(address: str, sites: tuple[str, ...], path: str | None) -> None:
    assert values.own_path(address, sites) == path


@pytest.mark.parametrize(
    "path", ["/", "/a?b", "/a?", "//a", "/a/../b", "/a/.", "/..", "/a;b", "/a%2fb", "/a%2Eb", "/a%5cb"]
)
def test_a_path_that_can_be_read_in_two_ways_cannot_stay_open(path: str) -> None:
    assert not values.is_plain_path(path)


@pytest.mark.parametrize("path", ["/terms", "/a/b.html", "/.well-known/terms", "/%C3%A9", "/a..b"])
def test_a_page_of_its_own_can(path: str) -> None:
    assert values.is_plain_path(path)


def test_names_are_fit_for_records_and_files() -> None:
    assert values.name("photos-1.a_B") == "photos-1.a_B"
    for written in ("", "a b", "../a", ".a", "-a", "a/b", "é", "a" * 65, "a\n"):
        with pytest.raises(WrongValueError):
            values.name(written)


@pytest.mark.parametrize(
    "step", ["default", "robots.txt", "reservation", "always-open", "grant", "malformed-target", "fault"]
)
def test_a_clause_does_not_take_the_name_of_a_step(step: str) -> None:
    with pytest.raises(WrongValueError):
        values.clause_id(step)


def test_a_reason_is_one_visible_line() -> None:
    assert values.sentence("Ärger & Co. <b>") == "Ärger & Co. <b>"
    for written in ("a\nb", "a\x1b[31m", "a\u202eb", "a" * 501):
        with pytest.raises(WrongValueError):
            values.sentence(written)


def test_a_file_has_a_visible_name() -> None:
    assert values.file_path("/srv/robots.txt") == "/srv/robots.txt"
    for written in ("", "a\x00b"):
        with pytest.raises(WrongValueError):
            values.file_path(written)


@pytest.mark.parametrize("written", ["/", "/a*b$", "*.jpg$", "/ä b"])
def test_a_path_pattern_is_as_in_robots_txt(written: str) -> None:
    assert values.path_pattern_text(written) == written


@pytest.mark.parametrize("written", ["", "a", "$", "/a#b", "/a\n", "/" + "a" * 2048])
def test_a_pattern_that_can_match_nothing_is_refused(written: str) -> None:
    with pytest.raises(WrongValueError):
        values.path_pattern_text(written)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\x1b[31m\u202eb", "a\\x1b[31m\\u202eb"),
        ("x" * 99, "x" * 59 + "…"),
        (None, "nothing"),
        ({}, "keys and values"),
        ([], "a list"),
        (7, "7"),
    ],
)
def test_a_value_is_shown_short_and_visible(value: object, text: str) -> None:
    assert values.shown(value) == text
