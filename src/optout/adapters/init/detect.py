"""What an owner's machine tells by itself: which front end is set up, for which names, and where the site answers.

It reads configuration and starts nothing. A wrong guess is a default that the owner sees and changes; so the reading is
rough, bounded, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from optout.adapters.init.answers import Front
from optout.messages import parse_authority

_MOST_FILES, _MOST_BYTES = 200, 256 * 1024
_MOST_NAMES = 50
_LISTENING = "0A"  # TCP_LISTEN of <net/tcp_states.h>


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was found: names in the order found, without patterns; `origin` "" where no application's port was seen."""

    front: Front
    names: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One front end: its program, the files that are in use, and how they name sites and applications."""

    front: Front
    program: str
    files: tuple[str, ...]
    names: re.Pattern[str]
    origin: re.Pattern[str]


_LINE = re.MULTILINE | re.IGNORECASE
_KINDS = (
    _Kind(
        front=Front.NGINX,
        program="usr/sbin/nginx",
        files=("etc/nginx/sites-enabled/*", "etc/nginx/conf.d/*.conf"),
        names=re.compile(r"^[ \t]*server_name[ \t]+([^;#]{1,2000})", _LINE),
        origin=re.compile(r"^[ \t]*proxy_pass[ \t]+(http://[0-9A-Za-z.:\[\]-]{1,200})", _LINE),
    ),
    _Kind(
        front=Front.APACHE,
        program="usr/sbin/apache2",
        files=("etc/apache2/sites-enabled/*",),
        names=re.compile(r"^[ \t]*Server(?:Name|Alias)[ \t]+([^#\n]{1,2000})", _LINE),
        origin=re.compile(r"^[ \t]*ProxyPass[ \t]+/[ \t]+(http://[0-9A-Za-z.:\[\]-]{1,200})", _LINE),
    ),
    _Kind(
        front=Front.CADDY,
        program="usr/bin/caddy",
        files=("etc/caddy/Caddyfile", "etc/caddy/conf.d/*"),
        names=re.compile(r"^([^\s#{(][^{#\n]{0,2000})\{[ \t]*$", _LINE),
        origin=re.compile(r"^[ \t]*reverse_proxy[ \t]+((?:http://)?[0-9A-Za-z.\[\]-]{0,200}:[0-9]{1,5})", _LINE),
    ),
    _Kind(
        front=Front.HAPROXY,
        program="usr/sbin/haproxy",
        files=("etc/haproxy/haproxy.cfg",),
        names=re.compile(r"hdr\(host\)(?:[ \t]+-[a-z]+)*[ \t]+([^#\n}]{1,2000})", _LINE),
        origin=re.compile(r"^[ \t]*server[ \t]+\S{1,100}[ \t]+([0-9A-Za-z.\[\]-]{1,200}:[0-9]{1,5})", _LINE),
    ),
)
_PHP = re.compile(r"^[ \t]*fastcgi_pass[ \t]", _LINE)


def detect(root: Path = Path("/")) -> Detected:
    """The front end of this machine. Where several are set up, the first whose sites have names stands."""
    found = [each for kind in _KINDS if (each := _look(root, kind)) is not None]
    named = [each for each in found if each.names]
    for each in (*named, *found):
        return each
    return Detected(front=Front.NOTHING)


def is_listening(port: int, root: Path = Path("/")) -> bool:
    """Whether somebody on this machine takes connections at a TCP port (proc_pid_net(5))."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (root / "proc/net" / name).read_text().splitlines()[1:]:
                words = line.split()
                if len(words) > 3 and words[3] == _LISTENING and words[1].endswith(f":{port:04X}"):
                    return True
    return False


def _look(root: Path, kind: _Kind) -> Detected | None:
    if not (root / kind.program).exists():
        return None
    texts = list(_texts(root, kind.files))
    names = _names(text for text in texts for text in kind.names.findall(text))
    origins = [_origin(each) for text in texts for each in kind.origin.findall(text)]
    front = kind.front
    if front is Front.NGINX and any(_PHP.search(text) for text in texts):
        front = Front.NGINX_PHP_FPM
    return Detected(front=front, names=names, origin=origins[0] if origins else "")


def _texts(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        for path in sorted(root.glob(pattern))[:_MOST_FILES]:
            with suppress(OSError), path.open("rb") as file:
                yield file.read(_MOST_BYTES).decode("utf-8", "replace")


def _names(found: Iterable[str]) -> tuple[str, ...]:
    """Host names, once each; addresses of sites lose their scheme, and patterns and ports are left out."""
    names: dict[str, None] = {}
    for text in found:
        for word in re.split(r"[\s,]+", text):
            scheme, _, rest = word.rpartition("://")
            name = parse_authority(rest, scheme or "https")
            if name and "." in name and ":" not in name and not name.replace(".", "").isdigit():
                names.setdefault(name)
    return tuple(names)[:_MOST_NAMES]


def _origin(text: str) -> str:
    return text if text.startswith("http://") else f"http://{'127.0.0.1' if text.startswith(':') else ''}{text}"
