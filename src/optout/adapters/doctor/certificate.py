"""The certificate that a front door shows: whether visitors' programs take it, and until when."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from optout.adapters.doctor.findings import Finding, fault, ok, warning

_WITHIN_S = 10.0
_SOON_DAYS = 14  # Let's Encrypt renews 30 days before the end: with 14 left, two weeks of renewals have failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was seen: `fault` is "" where it is valid for the name; `ends` None where no certificate was seen at all."""

    fault: str
    ends: datetime | None


async def look(host: str, port: int, name: str) -> Shown:
    """The certificate that `host` shows to who asks for `name`. Never raises for what the network does."""
    try:
        shown = await _show(host, port, name, ssl.create_default_context())
        return Shown(fault="", ends=shown)
    except ssl.SSLCertVerificationError as refused:
        problem = refused.verify_message or "it is not valid"
    except (OSError, TimeoutError, ValueError) as refused:  # ssl.SSLError is an OSError
        return Shown(fault=f"no TLS connection: {getattr(refused, 'reason', None) or refused}", ends=None)
    try:
        return Shown(fault=problem, ends=await _show(host, port, name, trusting_anybody()))
    except (OSError, TimeoutError, ValueError):
        return Shown(fault=problem, ends=None)


def trusting_anybody() -> ssl.SSLContext:
    """A context that goes on with a faulty certificate: it was told of, and the other questions are asked still."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _show(host: str, port: int, name: str, context: ssl.SSLContext) -> datetime:
    async with asyncio.timeout(_WITHIN_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
        try:
            data = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return x509.load_der_x509_certificate(data or b"").not_valid_after_utc
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def judge(shown: Shown, name: str, now_us: int) -> Iterator[Finding]:
    """What is to be said of it."""
    if shown.ends is None:
        yield fault("certificate", shown.fault, "nobody can open the site with https")
        return
    days = (shown.ends - datetime.fromtimestamp(now_us / 1_000_000, UTC)).days
    until = f"until {shown.ends:%Y-%m-%d}, {days} days"
    if shown.fault:
        why = "browsers warn people away, and well-behaved crawlers do not read robots.txt over it"
        yield fault("certificate", f"the certificate is not valid for {name}: {shown.fault}", why, *_RENEW)
    elif days < _SOON_DAYS:
        why = "the renewal that should have come by now has not; when the certificate ends, the site is unreachable"
        yield warning("certificate", f"the certificate is valid {until}", why, *_RENEW)
    else:
        yield ok("certificate", f"the certificate is valid {until}")


_RENEW = ("certbot renew --dry-run",)
