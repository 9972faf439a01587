"""policy.site_names: how sites are named, and which name an authority falls under."""

from __future__ import annotations

import pytest

from optout.policy.site_names import host_of, nearest


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("photos.example", "photos.example"),
        ("photos.example:8080", "photos.example"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("[2001:db8::1]:8443", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_a_host_is_an_authority_without_its_port(authority: str, host: str) -> None:
    assert host_of(authority) == host


NAMES = {"photos.example", "photos.example:8080", "*.photos.example", "*.blog.photos.example", "[2001:db8::1]"}


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("photos.example", "photos.example"),
        ("photos.example:8080", "photos.example:8080"),
        ("photos.example:9090", "photos.example"),
        ("a.photos.example:9090", "*.photos.example"),
        ("a.blog.photos.example", "*.blog.photos.example"),
        ("*.blog.photos.example", "*.blog.photos.example"),
        ("*.a.photos.example", "*.photos.example"),
        ("[2001:db8::1]:8443", "[2001:db8::1]"),
        ("shop.example", None),
        ("*.example", None),
        ("*", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found(authority: str, name: str | None) -> None:
    assert nearest(authority, NAMES) == name
    assert nearest(authority, NAMES | {"*"}) == (name or "*")
