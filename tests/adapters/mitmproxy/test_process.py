"""mitmproxy in this process: what cannot be served is said before, and a renewed certificate is taken up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master
from mitmproxy.options import Options

from optout.adapters.mitmproxy.process import Certificate, renew, serve_mitmproxy
from optout.adapters.serve_options import ServeOptions
from optout.errors import PolicyError, UsageError
from tests.certificates import make_pair


def options(place: Path, **changes: object) -> ServeOptions:
    told: dict[str, object] = {"upstream": "http://127.0.0.1:9", "state": place, "listen_port": 0, **changes}
    return ServeOptions(**told)  # type: ignore[arg-type]


def test_a_socket_path_is_beyond_mitmproxy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unix:/run/site\.sock"):
        serve_mitmproxy(options(tmp_path, upstream="unix:/run/site.sock"))


def test_a_broken_policy_is_told_as_what_it_is(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: enfroce\n")
    with pytest.raises(PolicyError) as fault:
        serve_mitmproxy(options(tmp_path, policy=policy))
    assert "did you mean enforce?" in fault.value.diagnostics()


def test_a_certificate_that_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    with pytest.raises(UsageError, match=r"absent\.pem"):
        serve_mitmproxy(options(tmp_path, tls_cert=absent, tls_key=absent))


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    with pytest.raises(UsageError, match="certificate"):
        serve_mitmproxy(options(tmp_path, tls_cert=junk, tls_key=junk))


def test_without_files_there_is_no_certificate(tmp_path: Path) -> None:
    certificate = Certificate(None, None, tmp_path / "mitmproxy")
    assert certificate.specs() == []
    assert not certificate.has_changed()


def test_the_copy_of_a_key_is_for_the_owner_alone_and_old_copies_go(tmp_path: Path) -> None:
    directory = tmp_path / "mitmproxy"
    certificate = Certificate(*make_pair(tmp_path, "first.example"), directory)
    (first,) = certificate.specs()
    assert stat.S_IMODE(Path(first).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert not certificate.has_changed()
    make_pair(tmp_path, "second.example")
    assert certificate.has_changed()
    (second,) = certificate.specs()
    assert second != first, "mitmproxy caches a chain by its name"
    certificate.sweep()
    assert [str(path) for path in directory.iterdir()] == [second]


async def test_a_renewed_certificate_is_taken_up_and_a_bad_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(*make_pair(tmp_path, "first.example"), tmp_path / "mitmproxy")
    wanted = Options(confdir=str(tmp_path / "mitmproxy"))
    master = Master(wanted)
    tls = TlsConfig()
    master.addons.add(tls)
    wanted.update(certs=certificate.specs())
    assert _names(tls) == ["first.example"]
    (tmp_path / "cert.pem").write_text("half of a certifi")
    renew(certificate, wanted)
    assert _names(tls) == ["first.example"]
    assert "cannot be used" in caplog.text
    make_pair(tmp_path, "second.example")
    renew(certificate, wanted)
    assert _names(tls) == ["second.example"]
    (tmp_path / "key.pem").unlink()
    renew(certificate, wanted)
    assert _names(tls) == ["second.example"]


def _names(tls: TlsConfig) -> list[str]:
    return [str(entry.cert.cn) for entry in tls.certstore.certs.values()][:1]
