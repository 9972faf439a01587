"""The files of deploy/, as far as they can be checked without an engine: unit, image, compose file, locks."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml
from packaging.requirements import Requirement

from optout.cli.serve import serve

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "optout.service"
ANALYZE = shutil.which("systemd-analyze")

SERVE_OPTIONS = {flag for option in serve.params if isinstance(option, click.Option) for flag in option.opts}


def _directives(path: Path) -> dict[str, list[str]]:
    """Every directive of a unit file, with its values in order (systemd.syntax(7); no section repeats a name here)."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(name, []).append(value)
    return found


def _settings(path: Path) -> dict[str, str]:
    """The variables of an environment file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value.strip('"') for name, _, value in pairs}


# The unit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("PrivateUsers", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectControlGroups", "yes"),
        ("ProtectProc", "invisible"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("RestrictNamespaces", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("LockPersonality", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallArchitectures", "native"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
    ],
)
def test_the_unit_takes_away_what_a_proxy_does_not_need(name: str, value: str) -> None:
    assert _directives(UNIT)[name] == [value]


def test_the_unit_runs_as_a_user_of_its_own_and_is_always_started_again() -> None:
    unit = _directives(UNIT)
    assert unit["User"] == unit["Group"] == ["optout"]
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_the_unit_lets_the_log_ask_for_the_clock_and_nobody_set_it() -> None:
    unit = _directives(UNIT)
    assert unit["SystemCallFilter"][0] == "@system-service"
    assert unit["SystemCallFilter"][-1] == "adjtimex clock_adjtime"
    assert "ProtectClock" not in unit


def test_the_unit_starts_a_command_that_exists() -> None:
    words = shlex.split(_directives(UNIT)["ExecStart"][0])
    assert words[:2] == ["/usr/local/bin/optout", "serve"]
    assert {word for word in words if word.startswith("--")} <= SERVE_OPTIONS


def test_the_settings_file_has_what_the_unit_asks_for() -> None:
    settings = _settings(DEPLOY / "systemd" / "serve.env")
    asked = set(re.findall(r"\$\{?(OPTOUT_[A-Z]+)", _directives(UNIT)["ExecStart"][0]))
    assert asked <= set(settings)


def test_every_option_of_the_settings_file_exists() -> None:
    text = (DEPLOY / "systemd" / "serve.env").read_text(encoding="utf-8")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert "--policy" in options
    assert options <= SERVE_OPTIONS


def test_ports_below_1024_need_one_capability_and_no_user_namespace() -> None:
    extra = _directives(DEPLOY / "systemd" / "ports-below-1024.conf")
    assert extra["CapabilityBoundingSet"] == extra["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]
    assert extra["PrivateUsers"] == ["no"]


if ANALYZE is not None:  # Debian's systemd package; .ci/system-packages.sh installs it

    def _installed(directory: Path) -> Path:
        """The unit with a program in place of the one that an installation would have, since systemd looks for it."""
        program = directory / "optout"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        unit = directory / UNIT.name
        unit.write_text(UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/optout", str(program)))
        return unit

    def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False)

    @pytest.mark.parametrize("drop_in", [None, "ports-below-1024.conf", "engine-mitmproxy.conf"])
    def test_systemd_understands_every_line_of_the_unit(tmp_path: Path, drop_in: str | None) -> None:
        unit = _installed(tmp_path)
        if drop_in is not None:
            folder = tmp_path / f"{UNIT.name}.d"
            folder.mkdir()
            shutil.copy(UNIT.parent / drop_in, folder)
        done = _analyze("verify", "--recursive-errors=no", "--man=no", unit)
        assert [line for line in done.stderr.splitlines() if UNIT.stem in line] == []  # other units may be faulty
        assert done.returncode == 0

    def test_systemd_rates_the_unit_as_little_exposed(tmp_path: Path) -> None:
        # 0 is best, 10 worst; a unit without hardening has 9.6. What is left is the network, which is its work.
        done = _analyze("security", "--offline=true", "--threshold=20", "--no-pager", _installed(tmp_path))
        assert done.returncode == 0, done.stdout


# The image


class Instruction(NamedTuple):
    """One instruction of a Dockerfile."""

    name: str
    rest: str


def _instructions() -> list[Instruction]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def _last_stage() -> list[Instruction]:
    found = _instructions()
    return found[max(place for place, each in enumerate(found) if each.name == "FROM") :]


def _of(name: str, instructions: list[Instruction]) -> list[str]:
    return [each.rest for each in instructions if each.name == name]


def test_both_stages_of_the_image_use_the_newest_python() -> None:
    assert _of("FROM", _instructions()) == ["python:3.14-slim AS build", "python:3.14-slim"]


def test_the_image_does_not_run_as_root() -> None:
    assert _of("USER", _last_stage())[-1] == "10001:10001"


def test_nothing_is_fetched_while_building_but_hashed_packages() -> None:
    assert _of("ADD", _instructions()) == []
    commands = [part.strip() for run in _of("RUN", _instructions()) for part in run.split("&&")]
    assert not [command for command in commands if re.search(r"\b(curl|wget|apt|git)\b", command)]
    installs = [command for command in commands if "pip install" in command]
    assert len(installs) == 3
    assert all("--require-hashes" in command or "--no-index" in command for command in installs)


def test_the_build_sees_every_file_that_it_copies() -> None:
    copied = [rest.split()[:-1] for rest in _of("COPY", _instructions()) if not rest.startswith("--from")]
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    shown = [line[1:] for line in ignore if line.startswith("!")]
    assert "*" in ignore
    for source in {name for names in copied for name in names}:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in shown), source


def test_the_image_starts_optout_without_a_shell_and_keeps_its_state_on_a_volume() -> None:
    stage = _last_stage()
    assert json.loads(_of("ENTRYPOINT", stage)[0]) == ["optout"]
    volume = json.loads(_of("VOLUME", stage)[0])[0]
    assert f"OPTOUT_STATE={volume}" in " ".join(_of("ENV", stage))


def _pinned(path: Path) -> dict[str, set[str]]:
    """The versions in a lock file, by name; every one must have a hash."""
    found: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8")):
        name, version = re.match(r"([a-z0-9-]+)==([^ ]+)", block).groups()
        assert "--hash=sha256:" in block, name
        found.setdefault(name, set()).add(version)
    return found


def _requirements(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = project["dependencies"] + [text for extra in extras for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in texts]


def test_the_image_holds_what_the_gateway_needs_and_no_tool() -> None:
    pinned = _pinned(DEPLOY / "requirements.lock")
    for requirement in _requirements("aiohttp"):
        versions = pinned[requirement.name.lower()]
        assert all(requirement.specifier.contains(version) for version in versions)
    assert pinned.keys().isdisjoint({"pip", "pytest", "mypy", "hatchling", "mitmproxy"})


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_the_image_holds_versions_that_the_tests_ran_with(name: str) -> None:
    tested = _pinned(ROOT / "requirements.lock")
    untested = {
        package: versions
        for package, versions in _pinned(DEPLOY / name).items()
        if not versions <= tested.get(package, set())
    }
    assert untested == {}


# The compose file


def _service() -> dict[str, object]:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document["services"]["optout"]


def test_the_container_can_change_nothing_but_its_volume() -> None:
    service = _service()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == _of("USER", _last_stage())[-1]
    assert [text for text in service["volumes"] if not text.endswith(":ro")] == ["state:/var/lib/optout"]


def test_the_container_is_limited_and_started_again() -> None:
    service = _service()
    assert {"mem_limit", "pids_limit", "stop_grace_period"} <= service.keys()
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]


def test_the_container_is_reached_through_this_machine_only() -> None:
    assert _service()["ports"] == ["127.0.0.1:8080:8080"]


def test_the_container_runs_a_command_that_exists() -> None:
    command = _service()["command"]
    assert command[0] == "serve"
    assert {word for word in command if word.startswith("--")} <= SERVE_OPTIONS
    assert command[command.index("--listen") + 1] == "0.0.0.0:8080"


def test_the_compose_file_builds_the_dockerfile() -> None:
    build = _service()["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == ROOT.resolve()
    assert (context / build["dockerfile"]).is_file()


# The guide, and what CI installs


def test_the_guide_opens_with_how_to_turn_it_off() -> None:
    headings = re.findall(r"^## (.+)$", (DEPLOY / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Something is wrong: turn it off"


def test_ci_installs_the_packages_that_tests_use_beforehand() -> None:
    script = ROOT / ".ci" / "system-packages.sh"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "systemd" in re.search(r"packages=\((.+)\)", script.read_text(encoding="utf-8")).group(1).split()
    assert ".ci/system-packages.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
