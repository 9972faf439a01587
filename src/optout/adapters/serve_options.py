"""What `optout serve` was asked for, as a value that each engine takes: the gateway here, or a mitmproxy process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from optout.adapters.client_address import NO_PROXIES, TrustedProxies
from optout.adapters.listening import Place
from optout.adapters.stats.status import StatusAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How to stand in front of one site.

    `upstream` is an http, https or unix URL, checked by the command. `listen_socket` is the path of a unix socket, or
    "" for host and port; with `proxy_protocol` each connection begins with what a proxy in front says of it. `policy`
    is a file, a directory or the name of a ready stance; None observes. `evidence` None keeps no record. `tls_cert`
    and `tls_key` are PEM files, both or neither. `status` is where health, readiness and metrics are told; None for
    nowhere. `trusted_proxies` and `forwarded_field` are `trusted`, as text for an engine in another process.
    """

    upstream: str
    state: Path
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    listen_socket: str = ""
    proxy_protocol: bool = False
    policy: Path | str | None = None
    evidence: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted: TrustedProxies = NO_PROXIES
    accept_advisory: bool = False
    observe_only: bool = False
    status: StatusAddress | None = None

    @property
    def place(self) -> Place:
        """Where to listen."""
        return Place(host=self.listen_host, port=self.listen_port, socket=self.listen_socket)

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """The trusted networks as text."""
        return tuple(str(network) for network in self.trusted.networks)

    @property
    def forwarded_field(self) -> str:
        """The field in which trusted proxies name the client."""
        return self.trusted.field
