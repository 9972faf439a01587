"""The front ends that benchmarks/doors.py starts: compiled and routed, each beside itself with a rule by hand."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import door_programs
from door_subjects import PROXY, Ground, Running, Start, free_port, nginx, policy_file

SITE = "site.example"
APACHE = shutil.which("apache2") or "/usr/sbin/apache2"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
_BODY = "x" * len(door_programs.REFUSAL)
_BY_HAND = "(GPTBot|ClaudeBot|CCBot|Bytespider|Amazonbot)"
_MANY = "User-agent: *\n" + "".join(f"Disallow: /section-{at % 97}/page-{at}/\n" for at in range(10_000))


def compiled_into(on: Ground, name: str, front: str, *options: str, robots: str = "", policy: str = "") -> Path:
    """The directory with what `optout compile` writes for a front end."""
    place = on.folder(f"{name}-files")
    place.chmod(0o755)
    (place / "robots.txt").write_text(robots)
    (place / "policy.yaml").write_text(policy or door_programs.POLICY)
    command = [sys.executable, "-m", "optout", "compile", front, "--policy", str(place / "policy.yaml"), "--site", SITE]
    command += ["--robots", str(place / "robots.txt"), "--out", str(place), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return place


def nginx_compiled(on: Ground) -> Running:
    """A proxy that decides by what is compiled, and logs."""
    return _nginx_compiled(on, "nginx-compiled")


def nginx_with_many_rules(on: Ground) -> Running:
    """The same with ten thousand rules in robots.txt, none of which is about the page."""
    policy = door_programs.POLICY.replace("default: deny", "default: deny\non_disallow: deny")
    return _nginx_compiled(on, "nginx-many", robots=_MANY, policy=policy)


def _nginx_compiled(on: Ground, name: str, robots: str = "", policy: str = "") -> Running:
    place = compiled_into(
        on, name, "nginx", "--log", str(on.place / f"{name}-crawls.log"), robots=robots, policy=policy
    )
    http = f"variables_hash_max_size 4096; include {place}/optout-http.conf;"
    return nginx(on, name, f"include {place}/optout-server.conf; {PROXY}", http)


def nginx_routed(on: Ground) -> Running:
    """A proxy that asks `optout forward-auth` about possible crawlers."""
    policy = policy_file(on, "place-routed")
    place = policy.parent
    path = place / "route.sock"
    files = compiled_into(on, "nginx-routed", "nginx", "--route", "--socket", f"unix:{path}")
    command = [sys.executable, "-m", "optout", "forward-auth", "--dialect", "nginx-route", "--listen", f"unix:{path}"]
    command += ["--policy", str(policy), "--upstream", f"http://127.0.0.1:{on.origin}"]
    command += ["--state", str(place / "state"), "--evidence", str(place / "evidence")]
    asked = on.launch("route", command)
    _wait_for_socket(path)
    server = f"include {files}/route-server.conf; {PROXY}"
    running = nginx(on, "nginx-routed", server, f"include {files}/route-http.conf;")
    return Running(port=running.port, process=running.process, others=(asked,))


def _wait_for_socket(path: Path) -> None:
    for _ in range(600):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on {path}")


def caddy_compiled(on: Ground) -> Running:
    """Caddy on one core with what is compiled."""
    place, port = on.folder("caddy-compiled"), free_port()
    files = compiled_into(on, "caddy-compiled", "caddy", "--log", str(place / "crawls.log"))
    (place / "Caddyfile").write_text(
        f"{{\n admin off\n auto_https off\n storage file_system {place}\n}}\nimport {files}/optout.caddy\n"
        f"http://:{port} {{\n bind 127.0.0.1\n import optout_log\n route {{\n  import optout\n"
        f"  handle {{\n   reverse_proxy 127.0.0.1:{on.origin}\n  }}\n }}\n}}\n"
    )
    command = ["caddy", "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    return on.start("caddy-compiled", command, port, GOMAXPROCS="1")


_HAPROXY = """
global
  nbthread 1
  log 127.0.0.1:{log} len 65535 local0
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
frontend web
  bind 127.0.0.1:{port}
{inside}
  default_backend site
backend site
  server site 127.0.0.1:{origin}
"""


def haproxy(*, is_compiled: bool) -> Start:
    """HAProxy with one thread: with what is compiled, or with one rule by hand that refuses with as many octets."""

    def start(on: Ground) -> Running:
        name = f"haproxy-{'compiled' if is_compiled else 'by-hand'}"
        place, port = on.folder(name), free_port()
        log = on.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        log.bind(("127.0.0.1", 0))  # lines arrive, and are read by nobody
        if is_compiled:
            inside = "log global\n" + (compiled_into(on, name, "haproxy") / "frontend.cfg").read_text()
        else:
            (place / "body").write_text(_BODY)
            inside = (
                f"  http-request return status 403 content-type application/problem+json file {place}/body"
                f" hdr Cache-Control no-store if {{ req.hdr(User-Agent) -m reg {_BY_HAND} }}"
            )
        settings = {"log": log.getsockname()[1], "port": port, "origin": on.origin, "inside": inside}
        (place / "haproxy.cfg").write_text(_HAPROXY.format(**settings))
        return on.start(name, [HAPROXY, "-db", "-f", place / "haproxy.cfg"], port)

    return start


_MODULES = "/usr/lib/apache2/modules"
_LOADED = ("mpm_event", "authz_core", "alias", "rewrite", "headers", "unique_id", "env", "setenvif", "dir", "proxy")
_APACHE = """
ServerRoot {place}
ServerName {site}
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/error.log
{user}
{modules}
MaxKeepAliveRequests 0
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  AllowEncodedSlashes NoDecode
{inside}
  ProxyPreserveHost On
  ProxyPass / http://127.0.0.1:{origin}/ nocanon
</VirtualHost>
"""


def apache(*, is_compiled: bool) -> Start:
    """Apache in one process: with what is compiled, or with one rule by hand that refuses with as many octets."""

    def start(on: Ground) -> Running:
        name = f"apache-{'compiled' if is_compiled else 'by-hand'}"
        place, port = on.folder(name), free_port()
        place.chmod(0o755)
        if is_compiled:
            files = compiled_into(on, name, "apache", "--log", str(place / "crawls.log"))
            inside = f"  Include {files}/optout.conf"
        else:
            inside = f'  <If "%{{HTTP_USER_AGENT}} =~ /{_BY_HAND}/">\n   Redirect 403 /\n   ErrorDocument 403 {_BODY}\n'
            inside += "   Header always set Cache-Control no-store\n  </If>"
        is_root = os.geteuid() == 0
        user = "nobody" if is_root else getpass.getuser()
        group = "nogroup" if is_root else grp.getgrgid(os.getgid()).gr_name
        modules = [f"LoadModule {each}_module {_MODULES}/mod_{each}.so" for each in (*_LOADED, "proxy_http")]
        settings = {"site": SITE, "place": place, "port": port, "origin": on.origin, "inside": inside}
        text = _APACHE.format(user=f"User {user}\nGroup {group}", modules="\n".join(modules), **settings)
        (place / "apache.conf").write_text(text)
        return on.start(name, [APACHE, "-DFOREGROUND", "-f", place / "apache.conf"], port)

    return start
