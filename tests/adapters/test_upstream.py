"""The origin's address: which are taken, and how it is reached."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters import upstream
from optout.adapters.upstream import Upstream, load_upstream
from optout.errors import UsageError
from tests.certificates import write_certificate
from tests.doors.raw_origin import RawOrigin
from tests.gateways import gateway
from tests.served import ask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8000", Upstream(base="http://127.0.0.1:8000")),
        ("http://127.0.0.1:8000/", Upstream(base="http://127.0.0.1:8000")),
        ("https://origin.example", Upstream(base="https://origin.example")),
        ("http://[::1]:8000", Upstream(base="http://[::1]:8000")),
        ("unix:/run/site.sock", Upstream(base="http://localhost", socket="/run/site.sock")),
        ("unix:///run/site.sock", Upstream(base="http://localhost", socket="/run/site.sock")),
    ],
)
def test_an_address_is_taken(text: str, expected: Upstream) -> None:
    assert load_upstream(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:8000",
        "ftp://origin.example",
        "http://",
        "http://origin.example:port",
        "http://origin.example:99999",
        "http://origin.example:0",
        "http://user:word@origin.example",
        "http://[::1",
        "http://two words",
        "unix:",
        "unix:site.sock",
        "http://origin.example/base",
        "http://origin.example?x",
        "http://origin.example#x",
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_upstream(text)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("text", "host"), [("http://127.0.0.1:8000", "127.0.0.1:8000"), ("unix:/run/site.sock", "localhost")]
)
def test_an_origin_has_a_name_for_who_names_none(text: str, host: str) -> None:
    assert load_upstream(text).host == host


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A context for an origin at localhost, whose certificate the system's authorities vouch for."""
    cert, key = write_certificate(tmp_path, 1)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    upstream._tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    yield context
    upstream._tls.cache_clear()


async def test_an_origin_is_reached_by_tls_if_it_is_vouched_for(trusted: ssl.SSLContext, tmp_path: Path) -> None:
    with RawOrigin(tls=trusted) as origin:
        async with gateway(tmp_path, f"https://localhost:{origin.port}") as port:
            assert (await ask(port, "/x")).body == b"content of /x\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_and_not_reached_if_its_name_is_another_or_nobody_vouches(
    trusted: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    if host == "localhost":
        monkeypatch.delenv("SSL_CERT_FILE")
    with RawOrigin(tls=trusted) as origin:
        async with gateway(tmp_path, f"https://{host}:{origin.port}") as port:
            assert (await ask(port, "/x")).status == 502
    assert origin.heads == []
