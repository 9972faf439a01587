"""A certificate is looked at as visitors' programs do, and its end is named."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optout.adapters.doctor.certificate import Shown, judge, look
from optout.adapters.doctor.findings import Level
from tests.certificates import make_pair

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000


@asynccontextmanager
async def _shown_by(pair: tuple[Path, Path]) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def test_a_certificate_of_an_authority_that_is_known_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path, "site.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with _shown_by(pair) as port:
        shown = await look("127.0.0.1", port, "site.example")
    assert shown.fault == ""
    assert shown.ends is not None
    assert shown.ends.year == 2035


async def test_another_name_and_an_unknown_authority_are_faults_with_the_end_known_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path, "site.example")
    async with _shown_by(pair) as port:
        unknown = await look("127.0.0.1", port, "site.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
        other = await look("127.0.0.1", port, "other.example")
    assert "self-signed" in unknown.fault
    assert "other.example" in other.fault
    assert unknown.ends == other.ends is not None


async def test_a_port_that_speaks_no_tls_or_does_not_answer_is_told() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = int(server.sockets[0].getsockname()[1])
        plain = await look("127.0.0.1", port, "site.example")
    nobody = await look("127.0.0.1", port, "site.example")
    assert plain.ends is nobody.ends is None
    assert plain.fault
    assert nobody.fault


@pytest.mark.parametrize(
    ("shown", "level"),
    [
        (Shown(fault="", ends=datetime(2027, 2, 1, tzinfo=UTC)), Level.OK),
        (Shown(fault="", ends=datetime(2026, 12, 1, tzinfo=UTC)), Level.WARNING),
        (Shown(fault="certificate has expired", ends=datetime(2026, 11, 1, tzinfo=UTC)), Level.FAULT),
        (Shown(fault="no TLS connection", ends=None), Level.FAULT),
    ],
)
def test_what_ends_soon_is_told_before_it_ends(shown: Shown, level: Level) -> None:
    (found,) = judge(shown, "site.example", NOW_US)
    assert (found.code, found.level) == ("certificate", level)
