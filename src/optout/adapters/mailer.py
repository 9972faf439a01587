"""Sends one letter to one mail server (RFC 5321, with STARTTLS of RFC 3207 and AUTH of RFC 4954).

Rule: a password never travels without TLS, except to this machine itself.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from optout.errors import OptoutError, UsageError

_PATIENCE_S = 30.0
_PORTS = {"smtp": 25, "smtps": 465}
_OWN = frozenset({"localhost", "127.0.0.1", "::1"})


class MailError(OptoutError):
    """A letter could not be handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server. `user` is "" where none has to be named; `is_tls` is TLS from the first octet (RFC 8314)."""

    host: str
    port: int
    is_tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def parse_server(url: str, password: str = "") -> Server:
    """The server of `smtp://[USER@]HOST[:PORT]` or `smtps://...`; raises UsageError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.password is not None:
        raise UsageError(
            "--smtp: that is no mail server",
            "write it like smtps://user@mail.example:465, the password in the environment",
        )
    return Server(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=password,
    )


def send(server: Server, message: EmailMessage) -> None:
    """Hand over a letter; raises MailError where the server takes it not, or would see a password unprotected."""
    context = ssl.create_default_context()
    try:
        if server.is_tls:
            link: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE_S, context=context)
        else:
            link = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE_S)
        with link:
            link.ehlo()
            is_own = server.host in _OWN  # whose certificate names another host, if it has one
            is_safe = server.is_tls or is_own
            if not (server.is_tls or is_own) and link.has_extn("starttls"):
                link.starttls(context=context)
                link.ehlo()
                is_safe = True
            if server.user:
                if not is_safe:
                    raise MailError(f"{server.host} offers no TLS: the password is not sent", "use smtps://")
                link.login(server.user, server.password)
            link.send_message(message)
    except (OSError, smtplib.SMTPException) as fault:
        raise MailError(f"{server.host} did not take the letter: {_reason(fault)}", "look at --smtp") from fault


def _reason(fault: Exception) -> str:
    """The server's own words are a stranger's: their code is enough, and one line."""
    code = getattr(fault, "smtp_code", None)
    return f"{type(fault).__name__}" + (f" ({code})" if isinstance(code, int) else "")
