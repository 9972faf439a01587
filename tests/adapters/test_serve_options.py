"""What `optout serve` was asked for, for an engine here and for one in another process."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.serve_options import ServeOptions


def test_proxies_are_there_as_a_value_and_as_text() -> None:
    trusted = load_trusted_proxies(["10.0.0.7/8", "::1"], "Forwarded")
    options = ServeOptions(upstream="http://127.0.0.1:8000", state=Path("state"), trusted=trusted)
    assert options.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert options.forwarded_field == "forwarded"
    assert load_trusted_proxies(options.trusted_proxies, options.forwarded_field) == trusted


def test_without_more_it_observes_on_loopback_and_keeps_no_record() -> None:
    options = ServeOptions(upstream="http://127.0.0.1:8000", state=Path("state"))
    assert (options.listen_host, options.listen_port) == ("127.0.0.1", 8080)
    assert (options.policy, options.evidence, options.tls_cert, options.trusted_proxies) == (None, None, None, ())
