"""The certificate that the gateway shows, read again when it is renewed."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from optout.errors import UsageError

LOG = logging.getLogger("optout")
LOOK_EVERY_S = 10.0  # seconds; certificates are renewed weeks before they end


class Certificate:
    """A certificate chain and its key in two PEM files, and the TLS context that serves them.

    Raises UsageError when made from files that cannot be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = (cert, key)
        self.context = _context()
        self._stamp = _stamp(self._files)
        try:
            self._load(self.context)
        except (OSError, ValueError) as fault:  # ssl.SSLError is an OSError
            raise UsageError(
                f"the certificate {cert} with the key {key} cannot be used: {_reason(fault)}",
                "give two PEM files: the whole chain, and its key without a passphrase",
            ) from fault

    def look(self) -> None:
        """Use the files from now on if they changed; what cannot be used is reported once, and the old one stays.

        Waits for the disk: call it in a thread.
        """
        stamp = _stamp(self._files)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load(_context())  # a chain and a key that do not fit would break the context that is in use
            self._load(self.context)
        except (OSError, ValueError) as fault:
            LOG.error("the renewed certificate cannot be used, the old one stays: %s", _reason(fault))
        else:
            LOG.warning("the renewed certificate is in use")

    def _load(self, context: ssl.SSLContext) -> None:
        cert, key = self._files
        context.load_cert_chain(cert, key, password=_no_passphrase)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase, and there is nobody to ask")  # OpenSSL would ask on the terminal


def _stamp(files: tuple[Path, Path]) -> tuple[tuple[int, int], ...]:
    """What changes whenever one of the files does."""
    return tuple(_stamp_of(file) for file in files)


def _stamp_of(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)


def _reason(fault: Exception) -> str:
    return getattr(fault, "reason", None) or getattr(fault, "strerror", None) or str(fault)
