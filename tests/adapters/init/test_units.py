"""The written units are ones that systemd understands, with the owner's paths in them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from optout.adapters.init.answers import Front
from optout.adapters.init.units import gateway_unit, ingest_unit, route_unit, serve_unit
from optout.cli.forward_auth import forward_auth
from optout.cli.ingest import ingest
from optout.cli.serve import serve
from tests.owners import answers

ANALYZE = shutil.which("systemd-analyze")
_UNITS = {"optout.service": Front.NOTHING, "optout-ingest.service": Front.HAPROXY, "optout-route.service": Front.NGINX}


def _unit(name: str, place: Path, program: Path) -> str:
    said = answers(place, front=_UNITS[name], program=program)
    policy = said.directory / "policy.yaml"
    if name == "optout-route.service":
        return route_unit(said, "nginx-route", "/run/optout/route.sock", policy)
    return (
        gateway_unit(said, policy)
        if name == "optout.service"
        else ingest_unit(said, "/var/log/nginx/optout.log", policy)
    )


def _options(command: click.Command) -> set[str]:
    return {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}


@pytest.mark.parametrize("name", _UNITS)
def test_a_unit_starts_a_command_that_exists(tmp_path: Path, name: str) -> None:
    (line,) = (each for each in _unit(name, tmp_path, Path("/usr/bin/optout")).splitlines() if each.startswith("Exec"))
    words = shlex.split(line.removeprefix("ExecStart="))
    commands = {"optout.service": serve, "optout-ingest.service": ingest, "optout-route.service": forward_auth}
    known = _options(commands[name])
    assert words[0] == "/usr/bin/optout"
    assert {word for word in words if word.startswith("--")} <= known


def test_the_unit_between_apache_and_the_site_starts_serve_at_a_socket(tmp_path: Path) -> None:
    said = answers(tmp_path, front=Front.APACHE, program=Path("/usr/bin/optout"))
    text = serve_unit(said, "127.0.0.1:8481", "/run/optout/serve.sock", said.directory / "policy.yaml")
    (line,) = (each for each in text.splitlines() if each.startswith("ExecStart="))
    words = shlex.split(line.removeprefix("ExecStart="))
    assert words[:4] == ["/usr/bin/optout", "serve", "--listen", "unix:/run/optout/serve.sock"]
    assert {word for word in words if word.startswith("--")} <= _options(serve)
    assert "RuntimeDirectory=optout\nRuntimeDirectoryMode=0755\n" in text


def test_a_program_in_a_home_directory_can_be_read(tmp_path: Path) -> None:
    assert "ProtectHome=yes" in _unit("optout.service", tmp_path, Path("/usr/bin/optout"))
    assert "ProtectHome=read-only" in _unit("optout.service", tmp_path, Path("/home/anna/.local/bin/optout"))


if ANALYZE is not None:  # Debian's systemd package; .ci/system-packages.sh installs it

    @pytest.mark.parametrize("name", _UNITS)
    @pytest.mark.parametrize("folder", ["plain", '100% $HOME of "Anna\'s"'])
    def test_systemd_understands_every_line(tmp_path: Path, name: str, folder: str) -> None:
        place = tmp_path / folder
        place.mkdir()
        program = tmp_path / "optout"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        unit = tmp_path / name
        unit.write_text(_unit(name, place, program), encoding="utf-8")
        words = [ANALYZE, "verify", "--recursive-errors=no", "--man=no", unit]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert [line for line in done.stderr.splitlines() if name.partition(".")[0] in line] == []
        assert done.returncode == 0
