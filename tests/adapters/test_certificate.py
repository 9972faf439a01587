"""The certificate: renewed without a restart, and never replaced by one that cannot be used."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from optout.adapters.certificate import Certificate
from optout.errors import UsageError
from tests.certificates import serial_of, trusting_nobody, write_certificate


async def _shown(certificate: Certificate) -> tuple[int, str | None, str | None]:
    """Serial number, protocol and ALPN that a visitor meets now."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.context)
    async with server:
        client = trusting_nobody()
        client.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1], ssl=client)
        shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
        found = serial_of(shown.getpeercert(binary_form=True)), shown.version(), shown.selected_alpn_protocol()
        writer.close()
    return found


async def test_it_serves_http_1_1_over_a_modern_tls(tmp_path: Path) -> None:
    certificate = Certificate(*write_certificate(tmp_path, 1))
    assert await _shown(certificate) == (1, "TLSv1.3", "http/1.1")
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_renewed_certificate_is_shown_from_the_next_look_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(*write_certificate(tmp_path, 1))
    write_certificate(tmp_path, 2)
    assert (await _shown(certificate))[0] == 1
    certificate.look()
    assert (await _shown(certificate))[0] == 2
    certificate.look()
    assert [record.message for record in caplog.records] == ["the renewed certificate is in use"]


async def test_a_pair_that_does_not_fit_changes_nothing_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = write_certificate(tmp_path, 1)
    certificate = Certificate(cert, key)
    first_key = key.read_bytes()
    write_certificate(tmp_path, 2)
    renewed_key = key.read_bytes()
    key.write_bytes(first_key)  # the chain is renewed, its key not yet
    certificate.look()
    certificate.look()
    assert (await _shown(certificate))[0] == 1
    assert len([record for record in caplog.records if "the old one stays" in record.message]) == 1
    key.write_bytes(renewed_key)
    certificate.look()
    assert (await _shown(certificate))[0] == 2


@pytest.mark.parametrize("what", ["gone", "garbage"])
async def test_files_that_become_useless_change_nothing(tmp_path: Path, what: str) -> None:
    cert, key = write_certificate(tmp_path, 1)
    certificate = Certificate(cert, key)
    cert.unlink()
    if what == "garbage":
        cert.write_bytes(b"\xff garbage")
    certificate.look()
    assert (await _shown(certificate))[0] == 1


def test_files_that_cannot_be_used_are_the_operator_s_fault(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, 1)
    for pair in ((tmp_path / "none", key), (cert, cert), (key, key)):
        with pytest.raises(UsageError) as refused:
            Certificate(*pair)
        assert "PEM" in refused.value.remedy


def test_a_key_with_a_passphrase_asks_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="passphrase"):
        Certificate(*write_certificate(tmp_path, 1, passphrase=b"secret"))
