"""The programs that benchmarks/doors.py compares with: each door's bare counterpart, as simple as it can be.

    python benchmarks/door_programs.py app PORT             an aiohttp application with a page of 10 KB
    python benchmarks/door_programs.py door PORT PLACE      the same with Optout's middleware, its log in PLACE
    python benchmarks/door_programs.py refusing PORT        a handler that refuses everybody, with as many octets

The kinds asgi, asgi-door and asgi-refusing are the same in ASGI under uvicorn; `wsgi` here is the same for a WSGI
server, by KIND and PLACE in its environment: wsgi, wsgi-door, wsgi-refusing.

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


async def asgi(scope, _receive, send) -> None:  # type: ignore[no-untyped-def]
    """A page of 10 KB, or with REFUSE in the environment a refusal."""
    if scope["type"] != "http":
        return
    status, body, fields = (403, REFUSAL, FIELDS) if "REFUSE" in os.environ else (200, PAGE, _PAGE_FIELDS)
    pairs = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


_PAGE_FIELDS = {"Content-Type": "text/html"}


def _bare_wsgi(_environ, start_response):  # type: ignore[no-untyped-def]
    if os.environ["KIND"] == "wsgi-refusing":
        start_response("403 Forbidden", [*FIELDS.items(), ("Content-Length", str(len(REFUSAL)))])
        return [REFUSAL]
    start_response("200 OK", [*_PAGE_FIELDS.items(), ("Content-Length", str(len(PAGE)))])
    return [PAGE]


def _wsgi():  # type: ignore[no-untyped-def]
    if os.environ.get("KIND") != "wsgi-door":
        return _bare_wsgi
    from optout.adapters.wsgi import OptoutMiddleware

    place = Path(os.environ["PLACE"])
    return OptoutMiddleware(
        _bare_wsgi, policy=place / "policy.yaml", evidence=place / "evidence", state=place / "state"
    )


wsgi = _wsgi()


def serve_asgi(kind: str, port: int, place: Path | None) -> None:
    """One of the ASGI applications under uvicorn, as fast as that goes."""
    import uvicorn

    app = asgi
    if kind == "asgi-refusing":
        os.environ["REFUSE"] = "1"
    if place is not None:
        from optout.adapters.asgi import OptoutMiddleware

        app = OptoutMiddleware(app, policy=place / "policy.yaml", evidence=place / "evidence", state=place / "state")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)


def main(kind: str, port: int, place: Path | None = None) -> None:
    if kind.startswith("asgi"):
        serve_asgi(kind, port, place)
        return
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
