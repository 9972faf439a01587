"""Where a door differs from the engine, and why: each shows in the table, and stands in docs/doors/README.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.doors.table import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reason for differing, of some doors. `concerns` says at which rows it may show."""

    doors: tuple[str, ...]
    code: str
    text: str
    concerns: Callable[[Row], bool]


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        doors=("asgi",),
        code="empty-query",
        text="a query that is empty cannot be told from none, so `url.query.present` is false",
        concerns=lambda row: row.target.endswith("?"),
    ),
    Difference(
        doors=("forward-auth nginx",),
        code="nginx-answers-first",
        text="nginx answers 400 to everybody for NUL, a broken escape, and a target that climbs above the root",
        concerns=lambda row: row.kind == "malformed" or row.target.startswith("/%2e%2e"),
    ),
    Difference(
        doors=("forward-auth caddy",),
        code="caddy-answers-first",
        text="Caddy answers 400 to everybody for a broken escape",
        concerns=lambda row: row.kind == "malformed",
    ),
    Difference(
        doors=("forward-auth nginx",),
        code="no-port",
        text="nginx tells the host without its port: a site that is named with one is judged without it",
        concerns=lambda row: row.host == "site.example:8080",
    ),
)
