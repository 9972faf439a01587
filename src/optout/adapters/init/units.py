"""The systemd units that `optout init` writes: the gateway, or the reader of a front end's log.

They take away what the service does not need, as the units of `deploy/systemd` do, and hold the owner's own paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from optout.adapters.init.answers import Answers

USER = "optout"
ROUTE = "optout-route.service"
"""The service of a front end that routes."""
STATE_DIRECTORY = Path("/var/lib/optout")
"""What systemd makes for the services, because of their `StateDirectory`."""

_UNIT = """\
# Made by `optout init`. {install}
# {undo}

[Unit]
Description={description}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
{own}ExecStart={command}
Restart=always
RestartSec=2
KillSignal=SIGTERM
TimeoutStopSec=45

StateDirectory=optout
StateDirectoryMode=0700
ReadWritePaths={writable}
UMask=0077
Environment=PYTHONDONTWRITEBYTECODE=1

ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @keyring
SystemCallFilter=adjtimex clock_adjtime
SystemCallErrorNumber=EPERM
LimitNOFILE=65536
MemoryMax=1G

[Install]
WantedBy=multi-user.target
"""


def gateway_unit(answers: Answers, policy: Path) -> str:
    """Optout itself as the front: it takes visitors at port 80."""
    words = [
        *(answers.program, "serve", "--upstream", answers.origin, "--listen", ":80", "--policy", policy),
        *("--evidence", answers.evidence, "--state", answers.state),
    ]
    return _unit(answers, "optout.service", "Optout before the site", words, capabilities="CAP_NET_BIND_SERVICE")


def route_unit(answers: Answers, dialect: str, socket: str, policy: Path) -> str:
    """Optout behind a front end that asks it about possible crawlers at a unix socket."""
    words = [
        *(answers.program, "forward-auth", "--dialect", dialect, "--listen", f"unix:{socket}"),
        *("--upstream", answers.origin, "--policy", policy),
        *("--evidence", answers.evidence, "--state", answers.state),
    ]
    description = "Optout, asked by the front end about crawlers"
    return _unit(answers, ROUTE, description, words, own=_socket_place(socket))


def serve_unit(answers: Answers, origin: str, socket: str, policy: Path) -> str:
    """Optout behind a front end that sends possible crawlers through it; `origin` is the site once more."""
    words = [
        *(answers.program, "serve", "--listen", f"unix:{socket}", "--upstream", f"http://{origin}"),
        *("--trusted-proxy", "127.0.0.1", "--policy", policy),
        *("--evidence", answers.evidence, "--state", answers.state),
    ]
    description = "Optout, between the front end and the site for crawlers"
    return _unit(answers, ROUTE, description, words, own=_socket_place(socket))


def _socket_place(socket: str) -> str:
    folder = Path(socket).parent.relative_to("/run")
    return (
        f"# The socket's place, which the front end may enter.\nRuntimeDirectory={folder}\nRuntimeDirectoryMode=0755\n"
    )


def ingest_unit(answers: Answers, log: str, policy: Path) -> str:
    """The front end's log into the evidence."""
    words = [
        *(answers.program, "evidence", "ingest", answers.evidence, log),
        *("--follow", "--policy", policy),
    ]
    description = "Optout, the front end's log of crawlers into the evidence"
    own = "# Debian's front ends write logs that the group adm may read.\nSupplementaryGroups=adm\n"
    return _unit(answers, "optout-ingest.service", description, words, own=own)


def _unit(
    answers: Answers,
    name: str,
    description: str,
    words: Iterable[object],
    *,
    own: str = "",
    capabilities: str = "",
) -> str:
    places = (answers.program, answers.program.resolve())  # pipx links from one place to another
    in_home = any(each.is_relative_to(home) for each in places for home in ("/home", "/root", "/run/user"))
    return _UNIT.format(
        install=f"systemctl enable --now {answers.directory / name}",
        undo=f"Undo: systemctl disable --now {name}",
        description=description,
        user=USER,
        own=own,
        command=" ".join(_word(str(word)) for word in words),
        writable=" ".join(f"-{_word(str(place))}" for place in sorted({answers.evidence, answers.state})),
        home="read-only" if in_home else "yes",
        capabilities=capabilities,
    )


def _word(text: str) -> str:
    """One word of a command line as systemd reads it (systemd.syntax(7), systemd.service(5))."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    is_plain = text and all(char.isalnum() or char in "/._-:=@+,[]*" for char in text)
    return escaped if is_plain else f'"{escaped}"'
