"""What benchmarks/doors.py starts: an origin, peers and doors, each as its owner would start it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import door_programs

HERE = Path(__file__).parent
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A program that answers on a port of loopback. `fields` are sent with each request; it asks `others`."""

    port: int
    process: subprocess.Popen[bytes]
    others: tuple[subprocess.Popen[bytes], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where programs are started: a directory, and the port of the origin."""

    place: Path
    origin: int
    stack: ExitStack

    def start(self, name: str, command: list[str | Path], port: int, **environment: str) -> Running:
        """Start a program and wait until it listens on `port`."""
        process = self.launch(name, command, **environment)
        _wait_for(port, process, self.place / f"{name}.log")
        return Running(port=port, process=process)

    def launch(self, name: str, command: list[str | Path], **environment: str) -> subprocess.Popen[bytes]:
        """Start a program, and wait for nothing."""
        log = self.stack.enter_context((self.place / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        self.stack.callback(_end, process)
        return process

    def folder(self, name: str) -> Path:
        """A directory of a program's own."""
        found = self.place / name
        found.mkdir()
        return found


Start = Callable[[Ground], Running]


@contextmanager
def ground(place: Path) -> Iterator[Ground]:
    """A directory with an nginx that serves a page of 10 KB."""
    with ExitStack() as stack:
        bare = Ground(place, 0, stack)
        yield Ground(place, nginx(bare, "origin", _PAGES).port, stack)


def is_installed(program: str) -> bool:
    """Whether a program is there, on the path or beside this Python."""
    return shutil.which(program) is not None or Path(sys.executable).with_name(program).exists()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args} does not listen")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


_CONF = """
daemon off; {user} worker_processes 1; pcre_jit on; pid {place}/nginx.pid; error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; default_type text/html;
  client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  {http}
  server {{ listen 127.0.0.1:{port} backlog=4096; {server} }}
}}
"""
_PAGES = "root {place}; location / {{ try_files /page.html =404; }}"
PROXY = (
    'location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_http_version 1.1; proxy_set_header Connection "";'
    " proxy_set_header Host $http_host; }}"
)
_MAP = 'map $http_user_agent $refused {{ default 0; "~*(GPTBot|ClaudeBot|CCBot|Bytespider|Amazonbot)" 1; }}'
_HAND = (
    "if ($refused) {{ return 403 '" + "x" * len(door_programs.REFUSAL) + "'; }}"
    " add_header Cache-Control no-store always;"
)


def nginx(on: Ground, name: str, server: str, http: str = "") -> Running:
    """An nginx with one worker and these directives."""
    place, port = on.folder(name), free_port()
    place.chmod(0o755)
    (place / "page.html").write_bytes(door_programs.PAGE)
    names = {"place": place, "origin": on.origin, "port": port}
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    text = _CONF.format(user=user, http=http.format(**names), server=server.format(**names), **names)
    (place / "nginx.conf").write_text(text)
    return on.start(name, [NGINX, "-p", str(place), "-c", str(place / "nginx.conf")], port)


def nginx_proxy(on: Ground) -> Running:
    """A plain proxy."""
    return nginx(on, "nginx-proxy", PROXY)


def nginx_by_hand(on: Ground) -> Running:
    """A proxy that refuses by a hand-written map."""
    return nginx(on, "nginx-by-hand", _HAND + PROXY, _MAP)


def caddy(on: Ground) -> Running:
    """Caddy on one core, which refuses one crawler with as many octets."""
    place, port = on.folder("caddy"), free_port()
    body = "x" * len(door_programs.REFUSAL)
    (place / "Caddyfile").write_text(
        f"{{\n admin off\n auto_https off\n storage file_system {place}\n}}\n"
        f"http://:{port} {{\n bind 127.0.0.1\n @crawler header_regexp User-Agent (?i)(GPTBot|ClaudeBot|CCBot)\n"
        f" header @crawler Cache-Control no-store\n respond @crawler {body} 403\n"
        f" reverse_proxy 127.0.0.1:{on.origin}\n}}\n"
    )
    command = ["caddy", "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    return on.start("caddy", command, port, GOMAXPROCS="1")


def program(kind: str, *, has_door: bool = False) -> Start:
    """One of `door_programs`."""

    def start(on: Ground) -> Running:
        port, more = free_port(), []
        if has_door:
            more = [str(policy_file(on, f"place-{kind}").parent)]
        return on.start(kind, [sys.executable, HERE / "door_programs.py", kind, str(port), *more], port)

    return start


def gunicorn(kind: str) -> Start:
    """One of the WSGI applications of `door_programs`, in one process with 32 threads."""

    def start(on: Ground) -> Running:
        port = free_port()
        beside = Path(sys.executable).with_name("gunicorn")
        command: list[str | Path] = [beside if beside.exists() else "gunicorn", "--bind", f"127.0.0.1:{port}"]
        command += ["--threads", "32", "--keep-alive", "60", "--pythonpath", HERE, "door_programs:wsgi"]
        place = policy_file(on, f"place-{kind}").parent
        return on.start(kind, command, port, KIND=kind, PLACE=str(place))

    return start


def serve(engine: str, *options: str, name: str = "") -> Start:
    """`optout serve`."""

    def start(on: Ground) -> Running:
        called = name or engine
        port, policy = free_port(), policy_file(on, f"place-{called}")
        place = policy.parent
        command = [sys.executable, "-m", "optout", "serve", "--engine", engine]
        command += ["--upstream", f"http://127.0.0.1:{on.origin}", "--listen", f"127.0.0.1:{port}"]
        command += ["--policy", str(policy), "--state", str(place / "state"), "--evidence", str(place / "evidence")]
        return on.start(called, [*command, *options], port)

    return start


def forward_auth(on: Ground) -> Running:
    """The forward-auth door, asked as nginx asks it."""
    port, policy = free_port(), policy_file(on, "place-forward-auth")
    place = policy.parent
    command = [sys.executable, "-m", "optout", "forward-auth", "--listen", f"127.0.0.1:{port}"]
    command += ["--policy", str(policy), "--state", str(place / "state"), "--evidence", str(place / "evidence")]
    running = on.start("forward-auth", command, port)
    fields = {
        "X-Original-Method": "GET",
        "X-Original-URI": "/page.html",
        "X-Original-Host": "site.example",
        "X-Original-Protocol": "HTTP/1.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
    }
    return Running(port=running.port, process=running.process, fields=fields)


def mitmproxy(name: str, *options: str, script: Path = HERE / "door_programs.py", **environment: str) -> Start:
    """A mitmdump with an addon; without another `script` the empty one, or the one that refuses."""

    def start(on: Ground) -> Running:
        port, place = free_port(), on.folder(name)
        command: list[str | Path] = [Path(sys.executable).parent / "mitmdump", "--quiet"]
        command += ["--mode", f"reverse:http://127.0.0.1:{on.origin}@127.0.0.1:{port}"]
        command += ["--set", f"confdir={place}", "--set", "flow_detail=0", "-s", script, *options]
        return on.start(name, command, port, **environment)

    return start


def mitmproxy_addon(on: Ground) -> Running:
    """A mitmdump with Optout's addon."""
    policy = policy_file(on, "place-addon")
    addon = HERE.parent / "addons" / "optout_addon.py"
    options = [f"optout_policy={policy}", f"optout_state={policy.parent}/state", "optout_accept_advisory=true"]
    options += [f"optout_evidence={policy.parent}/evidence"]
    return mitmproxy("mitmproxy-addon", *(word for each in options for word in ("--set", each)), script=addon)(on)


def policy_file(on: Ground, name: str) -> Path:
    """The policy of all doors, in a directory of this one's own."""
    found = on.folder(name) / "policy.yaml"
    found.write_text(door_programs.POLICY)
    return found
