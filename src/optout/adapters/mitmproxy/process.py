"""mitmproxy with Optout in this process: `optout serve --engine mitmproxy` (design part 5.13).

The same addon as by hand, in a mitmproxy that prints no flows, reads no configuration file and keeps its certificates
in the state directory. It wants certificate and key in one file: that copy lies there too, for the owner alone, and is
made anew when either is renewed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from mitmproxy.addons import default_addons
from mitmproxy.exceptions import OptionsError
from mitmproxy.master import Master
from mitmproxy.options import Options

from optout.adapters.driver import Settings
from optout.adapters.mitmproxy import OptoutAddon
from optout.adapters.mitmproxy.options import software
from optout.adapters.serve_options import ServeOptions
from optout.adapters.stats.server import StatusPages
from optout.errors import OptoutError, UsageError

LOG = logging.getLogger("optout")
_LOOK_EVERY_S = 10.0  # for a renewed certificate: certbot renews weeks before one ends


def serve_mitmproxy(options: ServeOptions, on_ready: Callable[[str], None] = lambda _: None) -> int:
    """Stand before the site until SIGINT or SIGTERM; the exit code.

    `on_ready` is called with the address to visit. Raises UsageError, PolicyError and EvidenceError for what cannot
    be served as asked.
    """
    if not options.upstream.startswith(("http://", "https://")):
        raise UsageError(
            f"mitmproxy cannot reach {options.upstream}", "name an http or https URL, or leave out --engine mitmproxy"
        )
    asyncio.run(_serve(options, on_ready))
    return 0


async def _serve(options: ServeOptions, on_ready: Callable[[str], None]) -> None:
    async with StatusPages(options.status) as pages:
        await _serve_with(options, on_ready, pages)


async def _serve_with(options: ServeOptions, on_ready: Callable[[str], None], pages: StatusPages) -> None:
    directory = options.state / "mitmproxy"
    certificate = Certificate(options.tls_cert, options.tls_key, directory)
    certs = certificate.specs()
    wanted = Options(
        confdir=str(directory),
        mode=[f"reverse:{options.upstream}"],
        listen_host=options.listen_host,
        listen_port=options.listen_port,
    )
    master = Master(wanted)
    master.addons.add(
        *default_addons(),
        OptoutAddon(
            _settings(options),
            accept_advisory=options.accept_advisory,
            on_open=lambda: on_ready(_address(master, options)),
        ),
    )
    try:
        wanted.update(optout_accept_advisory=options.accept_advisory, certs=certs)
    except OptionsError as fault:
        await master.done()
        raise (fault.__cause__ if isinstance(fault.__cause__, OptoutError) else UsageError(str(fault))) from None
    certificate.sweep()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        pages.is_draining = True
        master.shutdown()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    # Policies are watched anyway; SIGHUP must not end the process, and looks at the certificate now.
    loop.add_signal_handler(signal.SIGHUP, renew, certificate, wanted)
    renewal = loop.create_task(_renew(certificate, wanted))
    try:
        await master.run()
    except SystemExit as end:
        raise (end.__cause__ if isinstance(end.__cause__, OptoutError) else end) from None
    finally:
        renewal.cancel()


def _settings(options: ServeOptions) -> Settings:
    return Settings(
        state=options.state,
        software=software(),
        policy=options.policy,
        evidence=options.evidence,
        trusted=options.trusted,
        observe_only=options.observe_only,
        asks_at_start=True,
    )


def _address(master: Master, options: ServeOptions) -> str:
    host, port, *_ = master.addons.get("proxyserver").listen_addrs()[0]
    shown = options.listen_host or host
    return f"{'https' if options.tls_cert else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{port}"


async def _renew(certificate: Certificate, options: Options) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        renew(certificate, options)


def renew(certificate: Certificate, options: Options) -> None:
    """Give mitmproxy the owner's certificate anew if its files changed. One that cannot be used changes nothing."""
    try:
        if certificate.has_changed():
            options.update(certs=certificate.specs())
            certificate.sweep()
            LOG.warning("the renewed certificate is in use")
    except (OptoutError, OptionsError, OSError) as fault:  # half-written, perhaps: the next look will tell
        LOG.error("the renewed certificate cannot be used, the old one stays: %s", str(fault).partition("\n")[0])


class Certificate:
    """The owner's certificate chain and key as mitmproxy takes them: in one PEM file. Without files, no certificate."""

    def __init__(self, cert: Path | None, key: Path | None, directory: Path) -> None:
        self._sources = (cert, key) if cert is not None and key is not None else ()
        self._directory = directory
        self._stamp: object = ()
        self._current: Path | None = None

    def has_changed(self) -> bool:
        """Whether either file is another than when `specs` was last called."""
        return _stamp(self._sources) != self._stamp

    def specs(self) -> list[str]:
        """The value of mitmproxy's option `certs`. Raises UsageError where a file cannot be read or written."""
        if not self._sources:
            return []
        try:
            self._stamp = _stamp(self._sources)
            data = b"\n".join(source.read_bytes().strip() for source in self._sources) + b"\n"
            # The name follows the content: mitmproxy caches a chain by its file's name.
            self._current = self._directory / f"tls-{hashlib.sha256(data).hexdigest()[:16]}.pem"
            self._write(self._current, data)
        except OSError as fault:
            raise UsageError(f"{fault.filename}: {fault.strerror}", "check the path, and who may use it") from fault
        return [str(self._current)]

    def _write(self, path: Path, data: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        temporary.replace(path)

    def sweep(self) -> None:
        """Remove the copies of keys that are no longer in use."""
        for path in self._directory.glob("tls-*"):
            if path != self._current:
                path.unlink(missing_ok=True)


def _stamp(sources: tuple[Path, ...]) -> object:
    return tuple((status.st_mtime_ns, status.st_ino, status.st_size) for status in map(os.stat, sources))
