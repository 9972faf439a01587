"""What a front end asks: each dialect's fields, exactly once, and what disagrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.forward_auth.check import Check, Dialect, Malformed, Said, http_version, parse_check
from optout.messages import Destination, octets

NGINX = {
    "X-Original-Method": "GET",
    "X-Original-URI": "/a%2Fb?c=1",
    "X-Original-Host": "Site.example:443",
    "X-Forwarded-Proto": "https",
}
FORWARDED = {
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/a%2Fb?c=1",
    "X-Forwarded-Host": "Site.example:443",
    "X-Forwarded-Proto": "https",
}
ENVOY = {"Host": "Site.example:443", "X-Forwarded-Proto": "https"}
FIELDS = {
    Dialect.NGINX: NGINX,
    Dialect.NGINX_ROUTE: NGINX,
    Dialect.CADDY: FORWARDED,
    Dialect.TRAEFIK: FORWARDED,
    Dialect.ENVOY: ENVOY,
}
WHERE = Destination(authority="site.example", target="/a%2Fb?c=1")


def said_by(*fields: tuple[str, str]) -> Said:
    return Said([(octets(name), octets(value)) for name, value in fields])


def check(
    dialect: Dialect, fields: dict[str, str], *more: tuple[str, str], method: str = "", target: str = ""
) -> Check | Malformed:
    own = ("GET", "/a%2Fb?c=1") if dialect is Dialect.ENVOY else ("GET", "/check")
    return parse_check(
        dialect, method=octets(method or own[0]), target=octets(target or own[1]), said=said_by(*fields.items(), *more)
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_says_the_same(dialect: Dialect) -> None:
    assert check(dialect, FIELDS[dialect]) == Check(method="GET", destination=WHERE, scheme="https")


@pytest.mark.parametrize("dialect", [dialect for dialect in Dialect if dialect is not Dialect.ENVOY])
def test_a_field_that_is_missing_or_comes_twice_is_named(dialect: Dialect) -> None:
    for name in FIELDS[dialect]:
        without = {key: value for key, value in FIELDS[dialect].items() if key != name}
        for found in (check(dialect, without), check(dialect, FIELDS[dialect], (name.lower(), "GET"))):
            assert isinstance(found, Malformed)
            assert name in found.what


def test_a_visitor_s_own_field_passed_on_beside_the_front_end_s_is_malformed() -> None:
    spoofed = check(Dialect.NGINX, NGINX, ("X-Original-URI", "/.well-known/x"))
    assert spoofed == Malformed(what="X-Original-URI is to come exactly once")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Original-URI", "/other"),
        ("X-Forwarded-Uri", "/other"),
        ("X-Original-Method", "POST"),
        ("X-Forwarded-Method", "POST"),
    ],
)
def test_what_the_other_dialect_says_must_agree(dialect: Dialect, name: str, value: str) -> None:
    assert isinstance(check(dialect, FIELDS[dialect], (name, value)), Malformed)


@pytest.mark.parametrize("dialect", [Dialect.CADDY, Dialect.TRAEFIK, Dialect.ENVOY])
def test_what_the_other_dialect_says_may_agree(dialect: Dialect) -> None:
    found = check(dialect, FIELDS[dialect], ("X-Original-URI", "/a%2Fb?c=1"), ("X-Original-Method", "GET"))
    assert isinstance(found, Check)


@pytest.mark.parametrize("target", ["", "/a, /b", "/a\tb", "/a\x00", "/a\x7f"])
def test_what_is_no_target_or_two_joined_into_one_is_malformed(target: str) -> None:
    assert check(Dialect.NGINX, {**NGINX, "X-Original-URI": target}) == Malformed(
        what="the target is no request target"
    )


@pytest.mark.parametrize("method", ["", "GET, POST", "G T", "GÉT", "A" * 65])
def test_what_is_no_method_is_malformed(method: str) -> None:
    assert check(Dialect.NGINX, {**NGINX, "X-Original-Method": method}) == Malformed(what="the method is no method")


@pytest.mark.parametrize(("said", "scheme"), [("http", "http"), ("HTTPS", "https"), ("ws", "http"), ("wss", "https")])
def test_a_websocket_has_the_scheme_that_it_upgrades(said: str, scheme: str) -> None:
    found = check(Dialect.TRAEFIK, {**FORWARDED, "X-Forwarded-Proto": said})
    assert isinstance(found, Check)
    assert found.scheme == scheme


@pytest.mark.parametrize("said", ["", "gopher", "https, http", "https,https"])
def test_a_scheme_that_is_none_is_malformed(said: str) -> None:
    assert isinstance(check(Dialect.NGINX, {**NGINX, "X-Forwarded-Proto": said}), Malformed)


def test_envoy_need_not_tell_the_scheme() -> None:
    found = check(Dialect.ENVOY, {"Host": "site.example"})
    assert isinstance(found, Check)
    assert found.scheme == "http"


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({**NGINX, "X-Original-Host": "a@b"}, ""),
        ({**NGINX, "X-Original-Host": ""}, ""),
        ({**NGINX, "X-Original-URI": "http://other.example/"}, ""),
    ],
)
def test_a_visitor_who_names_no_host_or_two_has_no_destination(fields: dict[str, str], target: str) -> None:
    found = check(Dialect.NGINX, fields, target=target)
    assert isinstance(found, Check)
    assert found.destination is None


def test_two_hosts_that_envoy_passes_on_are_no_destination() -> None:
    found = check(Dialect.ENVOY, ENVOY, ("Host", "other.example"))
    assert isinstance(found, Check)
    assert found.destination is None


@pytest.mark.parametrize(
    ("said", "version"), [("HTTP/1.1", "1.1"), ("HTTP/2.0", "2.0"), ("HTTP/3", "3"), ("HTTP/1.1x", ""), ("", "")]
)
def test_nginx_tells_the_version(said: str, version: str) -> None:
    assert http_version(said_by(("X-Original-Protocol", said))) == version


def test_a_version_not_told_or_told_twice_is_not_known() -> None:
    assert http_version(said_by()) == ""
    assert http_version(said_by(("X-Original-Protocol", "HTTP/1.1"), ("X-Original-Protocol", "HTTP/2.0"))) == ""


def test_fields_are_told_apart_by_name_without_case_and_by_how_often_they_come() -> None:
    said = said_by(("A", "1"), ("b", "2"), ("B", ""), ("a", "3"), ("C", "4"))
    assert (said.once(b"a"), said.once(b"b"), said.once(b"c"), said.once(b"d")) == (None, None, b"4", None)
    assert (said.all(b"a"), said.all(b"b"), said.all(b"c"), said.all(b"d")) == ((b"1", b"3"), (b"2", b""), (b"4",), ())


NAMES = st.sampled_from(sorted({*NGINX, *FORWARDED, *ENVOY, "X-Original-Protocol", "User-Agent"}))
OCTETS = st.one_of(st.binary(max_size=40), st.sampled_from([b"GET", b"/a", b"site.example", b"https", b"HTTP/1.1"]))


@given(st.sampled_from(list(Dialect)), OCTETS, OCTETS, st.lists(st.tuples(NAMES, OCTETS), max_size=8))
def test_no_octets_make_it_raise(
    dialect: Dialect, method: bytes, target: bytes, fields: list[tuple[str, bytes]]
) -> None:
    found = parse_check(
        dialect,
        method=method,
        target=target,
        said=Said([(name.encode(), value) for name, value in fields]),
    )
    if isinstance(found, Malformed):
        assert found.what.isascii()
        assert found.what.isprintable()
    else:
        assert found.scheme in ("http", "https")


def test_a_long_target_is_looked_at_once() -> None:
    for size in (1 << 12, 1 << 20):
        found = check(Dialect.NGINX, {**NGINX, "X-Original-URI": "/" + "%a/" * size})
        assert isinstance(found, Check)


def test_fields_without_number_are_sorted_in_one_pass() -> None:
    class Counting(list[tuple[bytes, bytes]]):
        passes = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            Counting.passes += 1
            return super().__iter__()

    for size in (10, 100_000):
        Counting.passes = 0
        said = Said(Counting([(b"a", b"1"), *((b"x-%d" % number, b"") for number in range(size))]))
        assert said.once(b"a") == b"1"
        assert Counting.passes == 1
