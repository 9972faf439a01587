"""What a machine's configuration tells, roughly, and without ever raising."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.adapters.init.answers import Front
from optout.adapters.init.detect import Detected, detect, is_listening

NGINX = """
server {
    listen 80; server_name photos.example www.photos.example;   # both
    # server_name old.example;
    server_name _ ~^(?<x>.+)\\.example$ *.photos.example localhost 192.0.2.1;
    location / { proxy_pass http://127.0.0.1:3000; }
    location / {
        proxy_pass http://127.0.0.1:3000;
    }
    server_name shop.example;
}
"""


def _root(place: Path, **files: str) -> Path:
    programs = {"nginx": "usr/sbin/nginx", "apache2": "usr/sbin/apache2", "caddy": "usr/bin/caddy"}
    programs["haproxy"] = "usr/sbin/haproxy"
    for name, text in files.items():
        path = place / programs.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def test_a_bare_machine_has_nothing_in_front(tmp_path: Path) -> None:
    assert detect(tmp_path) == Detected(front=Front.NOTHING)


def test_nginx_names_its_sites_and_its_application(tmp_path: Path) -> None:
    root = _root(tmp_path, nginx="", **{"etc/nginx/sites-enabled/site": NGINX.replace("listen 80; ", "\n")})
    found = detect(root)
    assert (found.front, found.origin) == (Front.NGINX, "http://127.0.0.1:3000")
    assert found.names == ("photos.example", "www.photos.example", "shop.example")


def test_nginx_before_php_is_told_apart(tmp_path: Path) -> None:
    text = "server {\n server_name blog.example;\n fastcgi_pass unix:/run/php/php8.2-fpm.sock;\n}"
    root = _root(tmp_path, nginx="", **{"etc/nginx/conf.d/blog.conf": text})
    assert detect(root) == Detected(front=Front.NGINX_PHP_FPM, names=("blog.example",))


def test_configuration_that_was_left_behind_counts_for_nothing(tmp_path: Path) -> None:
    root = _root(tmp_path, **{"etc/nginx/sites-enabled/site": NGINX, "etc/nginx/sites-available/other": NGINX})
    assert detect(root).front is Front.NOTHING


@pytest.mark.parametrize(
    ("program", "file", "text", "front", "origin"),
    [
        (
            "apache2",
            "etc/apache2/sites-enabled/000.conf",
            "<VirtualHost *:80>\n ServerName photos.example\n ServerAlias www.photos.example\n"
            " ProxyPass / http://127.0.0.1:3000/\n</VirtualHost>",
            Front.APACHE,
            "http://127.0.0.1:3000",
        ),
        (
            "caddy",
            "etc/caddy/Caddyfile",
            "{\n email a@b.example\n}\n(snippet) {\n}\nhttps://photos.example, www.photos.example:443 {\n"
            "\treverse_proxy :3000\n}\n",
            Front.CADDY,
            "http://127.0.0.1:3000",
        ),
        (
            "haproxy",
            "etc/haproxy/haproxy.cfg",
            "frontend web\n acl ours hdr(host) -i photos.example www.photos.example\n"
            "backend site\n server one 127.0.0.1:3000 check\n",
            Front.HAPROXY,
            "http://127.0.0.1:3000",
        ),
    ],
)
def test_the_other_front_ends_are_read_in_their_own_words(
    tmp_path: Path, program: str, file: str, text: str, front: Front, origin: str
) -> None:
    found = detect(_root(tmp_path, **{program: "", file: text}))
    assert found == Detected(front=front, names=("photos.example", "www.photos.example"), origin=origin)


def test_of_several_the_one_whose_sites_have_names_stands(tmp_path: Path) -> None:
    apache = {
        "etc/apache2/sites-enabled/a": "ServerName photos.example\n",
        "etc/nginx/sites-enabled/default": "server {}",
    }
    assert detect(_root(tmp_path, nginx="", apache2="", **apache)).front is Front.APACHE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_configuration_is_read_without_a_fault(tmp_path: Path, data: bytes) -> None:
    root = _root(tmp_path, nginx="", apache2="", caddy="", haproxy="")
    for name in ("etc/nginx/conf.d/a.conf", "etc/caddy/Caddyfile", "etc/haproxy/haproxy.cfg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    assert isinstance(detect(root), Detected)


def test_who_takes_connections_is_known() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = int(listening.getsockname()[1])
        assert not is_listening(port)
        listening.listen()
        assert is_listening(port)
