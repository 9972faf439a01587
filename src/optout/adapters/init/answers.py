"""What `optout init` asks, as values: what stands in front of the site, and what the owner wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Front(StrEnum):
    """What takes visitors' connections now. Public and permanent."""

    NOTHING = "nothing"
    NGINX = "nginx"
    NGINX_PHP_FPM = "nginx-php-fpm"
    CADDY = "caddy"
    APACHE = "apache"
    HAPROXY = "haproxy"
    AIOHTTP = "aiohttp"
    ASGI = "asgi"
    WSGI = "wsgi"


ROUTED = frozenset({Front.NGINX, Front.NGINX_PHP_FPM, Front.CADDY, Front.APACHE})
"""Fronts that ask Optout about possible crawlers, or send them through it, and nobody else."""
COMPILED = frozenset({Front.HAPROXY})
"""Fronts that refuse by themselves, from configuration that is compiled."""
EMBEDDED = frozenset({Front.AIOHTTP, Front.ASGI, Front.WSGI})
"""Applications that Optout is built into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the owner said.

    `sites` are host names, at least one. `origin` is a URL where the site answers now, asked for what it publishes and,
    with nothing in front, passed on to. `observe`: refuse nobody yet. `contact` and `terms` may be "".
    """

    directory: Path
    front: Front
    stance: str
    sites: tuple[str, ...]
    origin: str
    observe: bool
    contact: str
    terms: str
    evidence: Path
    state: Path
    program: Path
