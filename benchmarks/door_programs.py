"""The programs that benchmarks/doors.py compares with: each door's bare counterpart, as simple as it can be.

    python benchmarks/door_programs.py app PORT             an aiohttp application with a page of 10 KB
    python benchmarks/door_programs.py door PORT PLACE      the same with Optout's middleware, its log in PLACE
    python benchmarks/door_programs.py refusing PORT        a handler that refuses everybody, with as many octets

It is an addon for mitmproxy, too: as it is an empty one, and with REFUSE in the environment one that refuses everybody.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PAGE = b"<!DOCTYPE html><title>A page</title>" + b"x" * 10_204
REFUSAL = b"x" * 756  # as long as a refusal under POLICY
FIELDS = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Vary": "User-Agent, Signature-Agent",
}
POLICY = """
version: 1
mode: enforce
default: deny
on_error: refuse
contact: rights@site.example
"""


class Empty:
    """An addon that looks at each head, and changes nothing unless told so."""

    def requestheaders(self, flow) -> None:  # type: ignore[no-untyped-def]
        """As Optout's addon does."""
        if "REFUSE" in os.environ:
            from mitmproxy import http

            flow.response = http.Response.make(403, REFUSAL, FIELDS)


addons = [Empty()]


def main(kind: str, port: int, place: Path | None = None) -> None:
    import uvloop
    from aiohttp import web

    async def page(_request: web.Request) -> web.Response:
        return web.Response(body=PAGE, content_type="text/html")

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=403, body=REFUSAL, headers=FIELDS)

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse if kind == "refusing" else page)
    if place is not None:
        from optout.adapters.aiohttp import setup

        policy = place / "policy.yaml"
        setup(app, policy=policy, evidence=place / "evidence", state=place / "state")
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *(Path(each) for each in sys.argv[3:]))
