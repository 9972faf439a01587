"""Whose address a request comes from (design part 5.12; peers.md part 7, client-IP spoof)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.client_address import (
    FORWARDED_FIELDS,
    TrustedProxies,
    client_address,
    client_scheme,
    is_trusted_proxy,
    load_trusted_proxies,
)
from optout.errors import UsageError
from optout.messages import AddressSource, ClientAddress, Fields

PEER, FORWARDED, UNKNOWN = AddressSource.PEER, AddressSource.FORWARDED, AddressSource.UNKNOWN
NOBODY: tuple[str, ...] = ()
NGINX = ("127.0.0.1", "::1")
CHAIN = ("10.0.0.0/8", "fd00::/8", "173.245.48.0/20")


@pytest.mark.parametrize(
    ("peer", "networks", "field", "values", "expected"),
    [
        # Nobody is trusted: the peer it is, and what it says is nothing.
        ("8.8.8.8", NOBODY, "x-forwarded-for", [], ("8.8.8.8", PEER)),
        ("8.8.8.8", NOBODY, "x-forwarded-for", ["1.1.1.1"], ("8.8.8.8", PEER)),
        ("2606:4800::1", NOBODY, "x-forwarded-for", ["1.1.1.1"], ("2606:4800::1", PEER)),
        ("::ffff:8.8.8.8", NOBODY, "x-forwarded-for", [], ("8.8.8.8", PEER)),
        # A peer that stands for somebody else hides who it is.
        ("127.0.0.1", NOBODY, "x-forwarded-for", ["1.1.1.1"], (None, UNKNOWN)),
        ("::1", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        ("10.1.2.3", NOBODY, "x-forwarded-for", ["1.1.1.1"], (None, UNKNOWN)),
        ("192.168.1.9", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        ("100.64.0.1", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        ("fe80::1%eth0", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        ("fd00::5", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        ("162.158.3.4", NOBODY, "cf-connecting-ip", ["1.1.1.1"], (None, UNKNOWN)),
        ("2606:4700::1", NOBODY, "x-forwarded-for", [], (None, UNKNOWN)),
        (None, NOBODY, "x-forwarded-for", ["1.1.1.1"], (None, UNKNOWN)),
        ("", NGINX, "x-forwarded-for", ["1.1.1.1"], (None, UNKNOWN)),
        # A stranger who is not listed is not believed, whoever else is.
        ("8.8.8.8", NGINX, "x-forwarded-for", ["1.1.1.1"], ("8.8.8.8", PEER)),
        ("10.1.2.3", NGINX, "x-forwarded-for", ["1.1.1.1"], (None, UNKNOWN)),
        # A listed proxy: right to left past the listed ones; the first that is not listed is the client.
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("::1", NGINX, "x-forwarded-for", ["8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("::ffff:127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["1.1.1.1, 9.9.9.9", "8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("10.0.0.1", CHAIN, "x-forwarded-for", ["6.6.6.6, 8.8.8.8, 10.0.0.9, fd00::7"], ("8.8.8.8", FORWARDED)),
        ("10.0.0.1", CHAIN, "x-forwarded-for", ["8.8.8.8, 173.245.48.9"], ("8.8.8.8", FORWARDED)),
        (None, CHAIN, "x-forwarded-for", ["8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-forwarded-for", [" 2001:4860::8 "], ("2001:4860::8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["[2001:4860::8]:4711"], ("2001:4860::8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8:4711"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["::ffff:8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "x-real-ip", ["8.8.8.8"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "forwarded", ["for=6.6.6.6, For=8.8.8.8;proto=https"], ("8.8.8.8", FORWARDED)),
        ("127.0.0.1", NGINX, "forwarded", ['proto=http;for="[2001:4860::8]:4711"'], ("2001:4860::8", FORWARDED)),
        ("127.0.0.1", NGINX, "forwarded", ['for="', "for=8.8.8.8"], ("8.8.8.8", FORWARDED)),
        # The chosen field alone counts.
        ("127.0.0.1", NGINX, "x-real-ip", [], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "x-forwarded-for", [], (None, UNKNOWN)),
        # A link of the chain that is no address, or stands for somebody else, ends it.
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8, unknown"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8,"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8, 192.168.0.7"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["8.8.8.8, 162.158.3.4"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "forwarded", ["for=_hidden"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "forwarded", ["proto=https"], (None, UNKNOWN)),
        ("10.0.0.1", CHAIN, "x-forwarded-for", ["10.0.0.2, 10.0.0.3"], (None, UNKNOWN)),
        ("127.0.0.1", NGINX, "x-forwarded-for", ["٨.٨.٨.٨"], (None, UNKNOWN)),
    ],
)
def test_the_client_is_who_the_rule_says(
    peer: str | None,
    networks: tuple[str, ...],
    field: str,
    values: list[str],
    expected: tuple[str | None, AddressSource],
) -> None:
    fields = Fields(tuple((field.title(), value) for value in values))
    found = client_address(peer, fields, load_trusted_proxies(networks, field))
    assert found == ClientAddress(address=expected[0], source=expected[1])


ADDRESSES = st.one_of(
    st.ip_addresses().map(str), st.text(max_size=30), st.sampled_from(["unknown", "", "10.0.0.1", '"'])
)


@given(left=st.lists(ADDRESSES, max_size=50), field=st.sampled_from(FORWARDED_FIELDS))
def test_what_a_stranger_writes_to_the_left_never_changes_the_client(left: list[str], field: str) -> None:
    trusted = load_trusted_proxies(["127.0.0.1", "10.0.0.0/8"], field)
    prefix = "for=" if field == "forwarded" else ""
    own = ", ".join([f"{prefix}8.8.8.8", f"{prefix}10.0.0.9"])
    forged = ", ".join([*(prefix + text for text in left), own])
    for fields in (((field, forged),), ((field, ", ".join(left)), (field, own)), ((field, own),)):
        found = client_address("127.0.0.1", Fields(fields), trusted)
        assert found == ClientAddress(address="8.8.8.8", source=FORWARDED)


@given(value=st.text(), peer=st.one_of(st.none(), st.text(max_size=40)), field=st.sampled_from(FORWARDED_FIELDS))
def test_no_octets_make_it_raise(value: str, peer: str | None, field: str) -> None:
    trusted = load_trusted_proxies(["127.0.0.1", "::/0"], field)
    for name in (field, "X-Forwarded-Proto"):
        fields = Fields(((name, value),))
        assert client_address(peer, fields, trusted).source in AddressSource
        assert client_scheme(peer, fields, trusted, "http") in ("http", "https")


def test_a_chain_of_any_length_costs_a_bounded_walk() -> None:
    # Every entry is a listed proxy: the walk would visit them all, were it not for its bound.
    trusted = load_trusted_proxies(["10.0.0.0/8"])
    fields = Fields((("X-Forwarded-For", ", ".join(["8.8.8.8", *["10.0.0.1"] * 100_000])),))
    assert client_address("10.0.0.1", fields, trusted).source is UNKNOWN


@pytest.mark.parametrize(
    ("peer", "field", "fields", "scheme"),
    [
        ("127.0.0.1", "x-forwarded-for", [("X-Forwarded-Proto", "https")], "https"),
        ("127.0.0.1", "x-forwarded-for", [("X-Forwarded-Proto", "http, HTTPS ")], "https"),
        ("127.0.0.1", "x-forwarded-for", [("X-Forwarded-Proto", "gopher")], "http"),
        ("127.0.0.1", "x-forwarded-for", [], "http"),
        ("127.0.0.1", "forwarded", [("Forwarded", "for=8.8.8.8;proto=https")], "https"),
        ("127.0.0.1", "forwarded", [("X-Forwarded-Proto", "https")], "http"),
        ("8.8.8.8", "x-forwarded-for", [("X-Forwarded-Proto", "https")], "http"),
    ],
)
def test_the_scheme_is_the_proxy_s_word_or_the_connection_s(
    peer: str, field: str, fields: list[tuple[str, str]], scheme: str
) -> None:
    trusted = load_trusted_proxies(["127.0.0.1"], field)
    assert client_scheme(peer, Fields(tuple(fields)), trusted, "http") == scheme


def test_nobody_is_trusted_unless_listed() -> None:
    assert not is_trusted_proxy(None, TrustedProxies())
    assert not is_trusted_proxy("127.0.0.1", TrustedProxies())
    assert is_trusted_proxy(None, load_trusted_proxies(["10.0.0.1"]))
    assert not is_trusted_proxy("proxy", load_trusted_proxies(["10.0.0.1"]))


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.0/99", "10.0.0", "::/129"])
def test_a_setting_that_is_no_network_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_trusted_proxies([text])
    assert "10.0.0.0/8" in refused.value.remedy


def test_a_field_that_proxies_do_not_write_is_refused() -> None:
    with pytest.raises(UsageError, match="x-client"):
        load_trusted_proxies([], "x-client")
    assert load_trusted_proxies([], "X-Real-IP").field == "x-real-ip"
