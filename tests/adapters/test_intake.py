"""From what a door was handed to a `Request`."""

from __future__ import annotations

import time
import uuid

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.intake import mono_us, now_us, take_in
from optout.messages import AddressSource, Destination, Fields


def test_clocks_count_microseconds() -> None:
    assert abs(now_us() - time.time() * 1e6) < 60e6
    assert 0 <= mono_us() <= time.monotonic() * 1e6


def test_a_request_is_taken_in_whole() -> None:
    fields = Fields((("Host", "site.example"), ("X-Forwarded-For", "8.8.8.8")))
    request = take_in(
        method="GET",
        scheme="https",
        destination=Destination(authority="site.example", target="/a?b"),
        fields=fields,
        peer="127.0.0.1",
        trusted=load_trusted_proxies(["127.0.0.1"]),
        http_version="1.0",
    )
    assert (request.method, request.scheme, request.authority, request.target) == (
        "GET",
        "https",
        "site.example",
        "/a?b",
    )
    assert (request.path, request.has_query, request.http_version) == ("/a", True, "1.0")
    assert request.fields is fields
    assert (request.client.address, request.client.source) == ("8.8.8.8", AddressSource.FORWARDED)
    assert uuid.UUID(request.id).version == 7
    assert uuid.UUID(request.id).int >> 80 == request.received_us // 1000
    assert 0 <= now_us() - request.received_us < 60_000_000
    assert 0 <= mono_us() - request.mono_us < 60_000_000
