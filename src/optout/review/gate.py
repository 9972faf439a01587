"""Who may look at the pages, and the rules that every answer carries.

Rule 1: on loopback a link with a one-time token opens a session; the token is worth nothing after its first use, nor
        ten minutes after it was made. The session's cookie is HttpOnly and SameSite=Strict, and named with the port:
        cookies of one host are shared by all its ports (RFC 6265 section 8.5). Over TLS it is a `__Host-` cookie.
Rule 2: the Host field must name an address of ours: a foreign name that resolves to loopback is DNS rebinding.
Rule 3: a change needs the session's own token in the form (CSRF), and an Origin, where one is sent, that is ours.
Rule 4: behind a named proxy its peers alone are believed, and exactly one value of the field that names the user.
Rule 5: nothing is loaded from anywhere else and nothing is framed (CSP Level 3); nothing is kept by a cache.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from aiohttp import web

from optout.errors import OptoutError
from optout.report.foreign import plain
from optout.report.language import LANGUAGES, Say, language

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TOKEN_LIVES_S = 600.0
SESSION_LIVES_S = 12 * 3600.0
_MOST_SESSIONS = 32
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One looker. `user` is who that is, `tenant` what may be seen ("": everything); `csrf` stands in every form."""

    user: str
    tenant: str = ""
    csrf: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy that knows who looks: its addresses, and the fields in which it says so."""

    addresses: tuple[str, ...]
    user_field: str = "X-Forwarded-User"
    tenant_field: str = ""


SESSION = web.RequestKey("session", Session)
"""Where the gate leaves the session of a request."""


class Gate:
    """The gate of one running application. `hosts` are the authorities under which it may be asked for."""

    def __init__(
        self,
        *,
        hosts: frozenset[str],
        port: int,
        user: str,
        is_tls: bool = False,
        proxy: Proxy | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts, self._user, self._proxy, self._now = hosts, user, proxy, now
        self._networks = tuple(ip_network(each, strict=False) for each in proxy.addresses) if proxy else ()
        self.cookie = f"__Host-optout-{port}" if is_tls else f"optout-{port}"
        self._is_tls = is_tls
        self._tokens: dict[str, float] = {}
        self._sessions: dict[str, tuple[Session, float]] = {}
        self._proxied: dict[tuple[str, str], Session] = {}

    def accept(self, host: str) -> None:
        """Take one more authority for ours."""
        self._hosts |= {host.lower()}

    def new_token(self) -> str:
        """A token for one link."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = self._now() + TOKEN_LIVES_S
        return token

    def redeem(self, token: str) -> str | None:
        """The session that a token opens, once; None for a token that is none, was used, or is too old."""
        found = next((known for known in self._tokens if _is_same(known, token)), None)
        if found is None or self._tokens.pop(found) < self._now():
            return None
        if len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        name = secrets.token_urlsafe(32)
        session = Session(user=self._user, csrf=secrets.token_urlsafe(24))
        self._sessions[name] = session, self._now() + SESSION_LIVES_S
        return name

    def set_cookie(self, response: web.StreamResponse, name: str) -> None:
        """Give the session to a browser."""
        response.set_cookie(
            self.cookie,
            name,
            httponly=True,
            samesite="Strict",
            secure=self._is_tls,
            path="/",
            max_age=int(SESSION_LIVES_S),
        )

    def session_of(self, request: web.Request) -> Session | None:
        """Who asks; None for whoever was not let in."""
        if self._proxy is not None:
            return self._by_proxy(request, self._proxy)
        known = self._sessions.get(request.cookies.get(self.cookie, ""))
        if known is None or known[1] < self._now():
            return None
        return known[0]

    def _by_proxy(self, request: web.Request, proxy: Proxy) -> Session | None:
        peer = request.remote or ""
        try:
            is_trusted = any(ip_address(peer) in network for network in self._networks)
        except ValueError:
            is_trusted = False
        users = request.headers.getall(proxy.user_field, [])
        tenants = request.headers.getall(proxy.tenant_field, []) if proxy.tenant_field else [""]
        if not is_trusted or len(users) != 1 or not users[0] or len(tenants) != 1:
            return None
        if proxy.tenant_field and not tenants[0]:
            return None
        key = users[0][:200], tenants[0][:200]
        if key not in self._proxied:
            if len(self._proxied) >= 1024:
                self._proxied.clear()
            self._proxied[key] = Session(user=key[0], tenant=key[1], csrf=secrets.token_urlsafe(24))
        return self._proxied[key]

    def is_ours(self, request: web.Request) -> bool:
        """Whether the request was meant for this application (rules 2 and 3)."""
        if request.host.lower() not in self._hosts:
            return False
        origin = request.headers.get("Origin")
        if request.method in ("GET", "HEAD") or origin is None:
            return True
        return origin.partition("://")[2].lower() in self._hosts

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request goes through here."""
        response = await self._answer(request, handler)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        say = language(language_of(request))
        if not self.is_ours(request):
            return _plain(403, say("This page was asked for under a name that is not its own."))
        if request.path == "/enter":
            return self._enter(request, say)
        if request.path.startswith("/static/"):
            return await handler(request)
        session = self.session_of(request)
        if session is None:
            return _plain(
                403, _expired(say) if self._proxy is None else say("The proxy in front does not say who you are.")
            )
        request[SESSION] = session
        if request.method not in ("GET", "HEAD"):
            form = await request.post()
            if not _is_same(str(form.get("csrf", "")), session.csrf):
                text = say("This form is out of date. Go back, load the page again, and send it once more.")
                return _plain(403, text)
        try:
            return await handler(request)
        except web.HTTPException as answer:
            return _plain(answer.status, f"{say(answer.reason)}.") if answer.status >= 400 else answer
        except OptoutError as fault:
            return _plain(503, plain(fault.diagnostics(), 1000))

    def _enter(self, request: web.Request, say: Say) -> web.StreamResponse:
        """The link with the token. The address that is left in the history carries none."""
        name = self.redeem(request.query.get("token", "")) if self._proxy is None else None
        if name is None:
            return _plain(403, _expired(say))
        response = web.Response(status=303, headers={"Location": "/"})
        self.set_cookie(response, name)
        return response


def _expired(say: Say) -> str:
    used = say("This link has been used or is too old: it opens the pages once, within ten minutes.")
    again = say("Run `optout review` again where the log is, and open the link that it prints.")
    return f"{used}\n{again}"


def language_of(request: web.Request) -> str:
    """The language in which to answer: `lang` in the query, else the first that the browser wants and there is."""
    wanted = request.query.get("lang", "")
    if wanted in LANGUAGES:
        return wanted
    for part in request.headers.get("Accept-Language", "")[:200].split(","):
        tag = part.partition(";")[0].strip().lower().partition("-")[0]
        if tag in LANGUAGES:
            return tag
    return "en"


def _is_same(one: str, other: str) -> bool:
    """Whether two secrets are the same, without telling by the time how far they are."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", content_type="text/plain", charset="utf-8")
