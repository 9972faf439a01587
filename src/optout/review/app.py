"""The review application: every page has an address, a template, and a twin in JSON under the same address and `.json`.

    /                 overview           /records          the records behind a figure
    /records/ID       one record         /crawlers/NAME    one crawler's name
    /works            coverage           /policy           what is in force
    /export           a bundle           /enter            the link with the one-time token

Rule: a handler asks the reader's thread for a dictionary and renders it; only `/records/ID/reveal` and `/export` change
anything, both by what the command line gave, both on record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from optout.crawlers.registry import Registry
from optout.engine import Engine
from optout.errors import OptoutError
from optout.evidence.segments import Entry
from optout.report.foreign import plain
from optout.report.language import language
from optout.review.asked import NAMES, Asked, parse_asked
from optout.review.gate import SESSION, Gate, Session, language_of
from optout.review.pages import crawler, overview, policy, record, records, stance, works
from optout.review.reader import Reader
from optout.review.works import COLUMNS, Work, WorkFault

Reveal = Callable[[Path, Entry, str, str], dict[str, object] | None]
"""The private part of a record, read on record: the log, the record, by whom, why."""

Export = Callable[[dict[str, str], str], tuple[dict[str, Any], bytes | None]]
"""A bundle: its scope and by whom; what would go in, and with `scope["do"]` the bundle itself."""

_TYPES = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the pages are made from. Without `engine` no policy is shown; without `works` no coverage.

    `stances` are the ready ones by name, to compare with.
    """

    reader: Reader
    registry: Registry
    engine: Engine | None = None
    stances: Mapping[str, Engine] = field(default_factory=dict)
    works: tuple[tuple[Work, ...], tuple[WorkFault, ...]] = ((), ())
    reveal: Reveal | None = None
    export: Export | None = None
    csv_row: Callable[[list[object]], str] = field(default=lambda row: ",".join(map(str, row)))


def make_app(review: Review, gate: Gate) -> web.Application:
    """The application."""
    app = web.Application(middlewares=[gate.middleware], client_max_size=256 * 1024)
    pages = _Pages(review)
    for path, handler in {
        "/": pages.overview,
        "/overview": pages.overview,
        "/records": pages.records,
        "/records/{id:[^/]+?}": pages.record,
        "/crawlers/{name:.+?}": pages.crawler,
        "/works": pages.works,
        "/policy": pages.policy,
        "/export": pages.export,
    }.items():
        if path != "/":
            app.router.add_get(f"{path}.json", handler)
        app.router.add_get(path, handler)
    app.router.add_get("/works.csv", pages.works_csv)
    app.router.add_get("/static/{name:style.css|icon.svg}", pages.static)
    app.router.add_post("/records/{id:[^/]+}/reveal", pages.reveal)
    app.router.add_post("/export", pages.export_now)

    async def close(_: web.Application) -> None:
        """Close the log's files with the application."""
        review.reader.close()

    app.on_cleanup.append(close)
    return app


class _Pages:
    """The handlers."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._templates = _environment()
        place = files("optout.review") / "static"
        self._static = {name: (place / name).read_bytes() for name in _TYPES}

    async def overview(self, request: web.Request) -> web.Response:
        """`/`"""
        asked, tenant = parse_asked(request.query), _session(request).tenant
        told = await self._ask(lambda reader: overview.overview(reader, asked, tenant))
        return self._show(request, "overview.html", told, asked)

    async def records(self, request: web.Request) -> web.Response:
        """`/records`"""
        asked, tenant = parse_asked(request.query), _session(request).tenant
        told = await self._ask(lambda reader: records.records(reader, asked, tenant))
        return self._show(request, "records.html", told, asked)

    async def record(self, request: web.Request) -> web.Response:
        """`/records/ID`"""
        name, tenant = request.match_info["id"], _session(request).tenant
        told = await self._ask(lambda reader: record.record(reader, name, tenant))
        if told is None:
            raise web.HTTPNotFound(reason="No such record")
        return self._show(request, "record.html", {**told, "private": None})

    async def reveal(self, request: web.Request) -> web.Response:
        """`/records/ID/reveal`: the private part, with a reason that goes into the log."""
        session, name, form = _session(request), request.match_info["id"], await request.post()
        reason, reveal = str(form.get("reason", "")).strip()[:500], self._review.reveal
        found = await self._ask(lambda reader: record.find(reader, name, session.tenant))
        if found is None or reveal is None:
            raise web.HTTPNotFound(reason="No such record")
        told = await self._ask(lambda reader: record.record(reader, name, session.tenant))
        assert told is not None  # noqa: S101  found just above
        if not reason:
            return self._show(request, "record.html", {**told, "private": None, "wants_reason": True}, status=400)
        part = await self._ask(lambda _: reveal(found[0], found[1], session.user, reason))
        shown = [{"name": name, "value": str(value)} for name, value in sorted((part or {}).items())]
        return self._show(request, "record.html", {**told, "private": shown, "reason": reason})

    async def crawler(self, request: web.Request) -> web.Response:
        """`/crawlers/NAME`"""
        name, asked, tenant = request.match_info["name"], parse_asked(request.query), _session(request).tenant
        registry = self._review.registry
        told = await self._ask(lambda reader: crawler.crawler(reader, registry, name, asked, tenant))
        if told is None:
            raise web.HTTPNotFound(reason="No crawler of that name came, and none is known")
        return self._show(request, "crawler.html", told, asked)

    async def works(self, request: web.Request) -> web.Response:
        """`/works`"""
        told, asked = await self._works(request)
        return self._show(request, "works.html", told, asked)

    async def works_csv(self, request: web.Request) -> web.Response:
        """`/works.csv`: the coverage of the works on one page, safe to open as a spreadsheet."""
        told, _ = await self._works(request)
        row = self._review.csv_row
        heads: list[object] = [*COLUMNS, "standing", "requests", "content_bytes", "first", "last", "crawlers"]
        lines = [row(heads)]
        for each in told["rows"]:
            crawlers = "; ".join(f"{one['count']} {one['name']}" for one in each["crawlers"])
            lines.append(
                row(
                    [
                        *(each[name] for name in COLUMNS),
                        each["standing"],
                        each["count"],
                        each["bytes"],
                        each["first"],
                        each["last"],
                        crawlers,
                    ]
                )
            )
        headers = {"Content-Disposition": 'attachment; filename="works.csv"'}
        return web.Response(text="\r\n".join(lines) + "\r\n", content_type="text/csv", charset="utf-8", headers=headers)

    async def _works(self, request: web.Request) -> tuple[dict[str, Any], Asked]:
        asked, tenant, read = parse_asked(request.query), _session(request).tenant, self._review.works
        text = request.query.get("start", "0")
        start = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
        return await self._ask(lambda reader: works.works(reader, read, asked, tenant, start)), asked

    async def policy(self, request: web.Request) -> web.Response:
        """`/policy`"""
        url, review = request.query.get("url", "")[:2000].strip(), self._review
        name, tenant = request.query.get("stance", ""), _session(request).tenant
        told = await self._ask(lambda reader: policy.policy(reader, review.engine, review.registry, url, tenant))
        before, after = review.engine, review.stances.get(name)
        told |= {"stances": sorted(review.stances) if before is not None else [], "stance": None}
        if before is not None and after is not None:
            told["stance"] = await self._ask(lambda reader: stance.stance(reader, before, after, name, tenant))
        return self._show(request, "policy.html", told)

    async def export(self, request: web.Request) -> web.Response:
        """`/export`: what would go into a bundle, personal data above all."""
        return self._show(request, "export.html", await self._preview(request, {}))

    async def export_now(self, request: web.Request) -> web.StreamResponse:
        """The bundle; that it was made stands in the log."""
        export, session = self._review.export, _session(request)
        if export is None:
            raise web.HTTPNotFound(reason="This log cannot be exported from here")
        scope = {**_scope(request, session), "do": "1"}
        try:
            _, data = await self._ask(lambda _: export(scope, session.user))
        except OptoutError as fault:
            told = await self._preview(request, {"fault": fault.diagnostics()})
            return self._show(request, "export.html", told, status=409)
        headers = {"Content-Disposition": 'attachment; filename="optout.evidence.zip"'}
        return web.Response(body=data, content_type="application/zip", headers=headers)

    async def _preview(self, request: web.Request, more: dict[str, Any]) -> dict[str, Any]:
        export, session = self._review.export, _session(request)
        scope = _scope(request, session)
        told: dict[str, Any] = {"can_export": export is not None, "scope": scope, "preview": None, "fault": "", **more}
        if export is None:
            return told
        try:
            preview, _ = await self._ask(lambda _: export(scope, session.user))
        except OptoutError as fault:
            return {**told, "fault": told["fault"] or fault.diagnostics()}
        return {**told, "preview": preview}

    async def static(self, request: web.Request) -> web.Response:
        """The one stylesheet, and the icon."""
        name = request.match_info["name"]
        return web.Response(body=self._static[name], content_type=_TYPES[name], charset="utf-8")

    async def _ask(self, question: Callable[[Reader], Any]) -> Any:
        return await self._review.reader.ask(question)

    def _show(
        self, request: web.Request, template: str, told: dict[str, Any], asked: Asked | None = None, status: int = 200
    ) -> web.Response:
        if request.path.endswith(".json") and request.method == "GET":
            return web.Response(text=json.dumps(told), content_type="application/json", status=status)
        tag = language_of(request)
        text = self._templates.get_template(template).render(
            told=told,
            asked=asked or Asked(),
            session=_session(request),
            path=request.path,
            say=language(tag),
            tag=tag,
            names=tuple(NAMES),
            twin=_twin(request),
        )
        return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def _session(request: web.Request) -> Session:
    return request[SESSION]


def _scope(request: web.Request, session: Session) -> dict[str, str]:
    """What a bundle is to hold, out of a query or a form's address."""
    asked = parse_asked(request.query)
    values = {"since": asked.since, "until": asked.until, "crawler": dict(asked.facets).get("crawler", "")}
    return {**values, "tenant": session.tenant, "case": request.query.get("case", "")[:200]}


def _twin(request: web.Request) -> str:
    path = "/overview" if request.path == "/" else request.path
    query = f"?{request.query_string}" if request.query_string else ""
    return f"{path}.json{query}"


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("optout.review", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain"] = plain
    return made
