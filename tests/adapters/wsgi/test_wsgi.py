"""The WSGI middleware, spoken to as PEP 3333 says: what it judges by, what it adds, what it records."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.adapters.switch import Off, write_switch
from optout.adapters.wsgi import OptoutMiddleware, _added, _fields, _native
from optout.errors import PolicyError, UsageError
from optout.messages import Fields
from tests.adapters.asgi.test_asgi import POLICY
from tests.doors.wsgi_doors import wsgi_served
from tests.evidence.setting import unusable
from tests.judge import leaves, user_agent
from tests.served import CHROME, Answer, ask

GPTBOT = user_agent("GPTBot")
LICENSE = ("Link", '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"')
DOCUMENTS = ("/robots.txt", "/.well-known/tdmrep.json")


def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """An application that has no documents, and a page for everything else."""
    status = "404 Not Found" if environ["PATH_INFO"] in DOCUMENTS else "200 OK"
    start_response(status, [("Content-Type", "text/plain"), ("X-Own", "1")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"a page"]


def environment(agent: str = CHROME, path: str = "/", **more: Any) -> WSGIEnvironment:
    """What a server would hand over; a value of None takes its key out."""
    found: WSGIEnvironment = {}
    setup_testing_defaults(found)
    found |= {
        "HTTP_HOST": "site.example",
        "HTTP_USER_AGENT": agent,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "RAW_URI": path,
        "REMOTE_ADDR": "20.15.240.64",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https",
    }
    return {name: value for name, value in (found | more).items() if value is not None}


@dataclass
class Told:
    """What a server was told, and what it took."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    starts: int = 0

    @property
    def code(self) -> int:
        return int(self.status[:3])

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def serve(app: WSGIApplication, environ: WSGIEnvironment, *, most: int = 1000) -> Told:
    """A server's part: takes at most `most` chunks, as one whose client hangs up, and calls `close`."""
    told = Told()

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        if exc_info is None:
            assert not told.starts
        told.status, told.headers, told.starts = status, headers, told.starts + 1

        def write(chunk: bytes) -> None:
            told.content += chunk

        return write

    content = app(environ, start)
    try:
        for _, chunk in zip(range(most), content, strict=False):
            told.content += chunk
    finally:
        close = getattr(content, "close", None)
        if close is not None:
            close()
    return told


@contextmanager
def guarded(place: Path, app: WSGIApplication = page, text: str = POLICY, **options: Any) -> Iterator[OptoutMiddleware]:
    file = place / "policy.yaml"
    file.write_text(text)
    given = {"policy": file, "evidence": place / "evidence", "state": place / "state", **options}
    found = OptoutMiddleware(app, **given)
    try:
        yield found
    finally:
        found.close()


def on_open(answer: WSGIApplication) -> WSGIApplication:
    """`answer` at /open, and the page elsewhere."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return (answer if environ["PATH_INFO"] == "/open" else page)(environ, start_response)

    return app


def records(place: Path, kind: str = "") -> list[dict[str, Any]]:
    return [leaf for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith(f"crawl.{kind}")]


def sizes(place: Path) -> list[tuple[Any, Any, Any]]:
    """Status, octets and whether it broke off, for each outcome on record."""
    names = ("http.response.status_code", "http.response.body.size", "outcome.aborted")
    return [tuple(leaf.get(name) for name in names) for leaf in records(place, "outcome")]  # type: ignore[misc]


# People


def test_a_person_passes_and_leaves_no_trace(tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        told = serve(app, environment())
    assert (told.code, told.content) == (200, b"a page")
    assert told.headers == [("Content-Type", "text/plain"), ("X-Own", "1"), LICENSE]
    assert records(tmp_path) == []


def test_a_person_s_content_is_the_application_s_own_object(tmp_path: Path) -> None:
    content = [b"a", b"page"]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert environ is given
        page(environ, start_response)
        return content

    given = environment()
    with guarded(tmp_path, app) as door:
        assert door(given, lambda *_: lambda _: None) is content


def test_a_person_is_served_while_no_thread_can_be_made_and_a_crawler_by_on_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with guarded(tmp_path) as app:
        monkeypatch.setattr(threading.Thread, "start", full)
        person, crawler = serve(app, environment()), serve(app, environment(GPTBOT, "/open"))
    assert (person.code, crawler.code) == (200, 503)


def test_a_site_that_is_off_passes_untouched(tmp_path: Path) -> None:
    write_switch(tmp_path / "state", (Off(site="*", since_us=1),))
    with guarded(tmp_path) as app:
        serve(app, environment(GPTBOT, "/open"))  # waits for the start, which looks at the switch
        told = serve(app, environment(GPTBOT, "/paid/"))
    assert told.headers == [("Content-Type", "text/plain"), ("X-Own", "1")]
    assert told.content == b"a page"


# Crawlers that are refused


def test_a_crawler_is_refused_and_the_application_is_not_asked(tmp_path: Path) -> None:
    def never(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert environ["PATH_INFO"] != "/paid/a"
        return page(environ, start_response)

    with guarded(tmp_path, never) as app:
        told = serve(app, environment(GPTBOT, "/paid/a"))
    assert told.status == "402 Payment Required"
    assert told.all("content-type") == ["application/problem+json"]
    assert told.all("content-length") == [str(len(told.content))]
    assert json.loads(told.content)["clause"] == "paid"
    (request,) = records(tmp_path)
    assert (request["type"], request["decision.action"]) == ("crawl.request", "require-license")
    assert request["http.response.status_code"] == 402


def test_a_refusal_of_head_has_no_body(tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        told = serve(app, environment(GPTBOT, "/paid/a", REQUEST_METHOD="HEAD"))
    assert (told.code, told.content) == (402, b"")
    assert told.all("content-length") != ["0"]


def test_a_reason_outside_ascii_is_told_as_it_was_written(tmp_path: Path) -> None:
    with guarded(tmp_path, text=POLICY.replace("Ask us", "Fragt uns für Bücher,")) as app:
        told = serve(app, environment(GPTBOT, "/paid/a"))
    assert "Fragt uns für Bücher," in json.loads(told.content)["detail"]
    assert told.all("content-length") == [str(len(told.content))]


def test_fields_are_native_strings_with_a_character_for_each_octet() -> None:
    fields = Fields((("tdm-policy", "https://site.example/ü"), ("x", "\udcff")))
    native = _native(fields)
    assert native == [("tdm-policy", "https://site.example/\u00c3\u00bc"), ("x", "\u00ff")]
    environ = {"HTTP_TDM_POLICY": native[0][1], "HTTP_X": native[1][1], "CONTENT_TYPE": "", "wsgi.version": (1, 0)}
    assert _fields(environ) == fields


@pytest.mark.parametrize(
    "environ", [{"HTTP_HOST": "a@b"}, {"HTTP_HOST": ""}, {"HTTP_HOST": "site.example,other.example"}]
)
def test_a_request_that_names_no_host_or_two_is_answered_400(environ: dict[str, str], tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        assert serve(app, environment(**environ)).status == "400 Bad Request"


def test_a_second_user_agent_does_not_hide_the_first(tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        assert serve(app, environment(f"{GPTBOT},{CHROME}", "/paid/")).code == 402


@pytest.mark.parametrize(
    ("environ", "judged", "has_query"),
    [
        ({"RAW_URI": "/paid/%61?y=1", "PATH_INFO": "/paid/a", "QUERY_STRING": "y=1"}, "/paid/%61", True),
        ({"RAW_URI": None, "REQUEST_URI": "/p%61id/a", "PATH_INFO": "/paid/a"}, "/p%61id/a", False),
        ({"RAW_URI": "https://site.example/paid/a", "PATH_INFO": "/paid/a"}, "/paid/a", False),
        ({"RAW_URI": None, "PATH_INFO": "/paid/a b", "QUERY_STRING": "y=1"}, "/paid/a%20b", True),
        ({"RAW_URI": None, "SCRIPT_NAME": "/paid", "PATH_INFO": "/a"}, "/paid/a", False),
        ({"RAW_URI": None, "PATH_INFO": "/paid/\u00c3\u00bc"}, "/paid/%C3%BC", False),
    ],
)
def test_the_target_is_judged_as_it_was_received(
    environ: dict[str, Any], judged: str, has_query: bool, tmp_path: Path
) -> None:
    with guarded(tmp_path) as app:
        told = serve(app, environment(GPTBOT, **environ))
    assert told.code == 402
    (request,) = records(tmp_path, "request")
    assert request["url.path"] == judged
    assert request["url.query.present"] is has_query


@pytest.mark.parametrize(
    ("peer", "source"),
    [("20.15.240.64", "20.15.240.64"), ("127.0.0.1", "20.15.240.99"), ("", "20.15.240.99"), (None, None)],
)
def test_only_a_listed_proxy_or_a_unix_socket_speaks_for_a_client(
    peer: str | None, source: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    with guarded(tmp_path, trusted_proxies=("127.0.0.1",)) as app:
        decide = app._loop.decide

        def noted(request: Any, claim: Any) -> Any:
            seen.append(request.client.address)
            return decide(request, claim)

        monkeypatch.setattr(app._loop, "decide", noted)
        serve(app, environment(GPTBOT, "/paid/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="20.15.240.99"))
    assert seen == [source]


# Crawlers that pass


def test_a_crawler_that_passes_is_on_record_before_the_application_is_asked(tmp_path: Path) -> None:
    seen: list[list[Any]] = []

    def looks(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append([leaf["type"] for leaf in records(tmp_path)])
        return page(environ, start_response)

    with guarded(tmp_path, on_open(looks)) as app:
        told = serve(app, environment(GPTBOT, "/open"))
    assert LICENSE in told.headers
    assert seen == [["crawl.request"]]
    assert sizes(tmp_path) == [(200, 6, False)]


def _list(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    return page(environ, start)


def _generator(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"a "
    yield b""
    yield b"page"


def _written(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    write = start("200 OK", [("Content-Type", "text/plain")])
    write(b"a ")
    write(b"pa")
    return [b"ge"]


def _file(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    (file := Path(environ["test.file"])).write_bytes(b"a page")
    return environ["wsgi.file_wrapper"](file.open("rb"), 4)  # type: ignore[no-any-return]


def _restarted(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/html")])
    try:
        raise LookupError("before any content")
    except LookupError as fault:
        start("500 Internal Server Error", [("Content-Type", "text/plain")], (LookupError, fault, None))
    return [b"a page"]


@pytest.mark.parametrize(
    ("way", "status"), [(_list, 200), (_generator, 200), (_written, 200), (_file, 200), (_restarted, 500)]
)
def test_content_arrives_whole_and_is_counted_however_it_is_handed_over(
    way: WSGIApplication, status: int, tmp_path: Path
) -> None:
    more = {"wsgi.file_wrapper": FileWrapper, "test.file": str(tmp_path / "file")}
    with guarded(tmp_path, on_open(way)) as app:
        told = [serve(app, environment(agent, "/open", **more)) for agent in (GPTBOT, CHROME)]
    for each in told:
        assert (each.code, each.content) == (status, b"a page")
        assert each.headers[-1] == LICENSE
    assert sizes(tmp_path) == [(status, 6, False)]


def test_both_sides_find_pep_3333_kept(tmp_path: Path) -> None:
    with guarded(tmp_path, on_open(validator(_generator))) as door:
        app = validator(door)
        for agent in (GPTBOT, CHROME):
            assert serve(app, environment(agent, "/open")).content == b"a page"
        assert serve(app, environment(GPTBOT, "/paid/")).code == 402


def test_head_is_answered_by_the_application_and_counts_no_content(tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        told = serve(app, environment(GPTBOT, "/open", REQUEST_METHOD="HEAD"))
    assert (told.code, told.content) == (200, b"")
    assert LICENSE in told.headers
    assert sizes(tmp_path) == [(200, 0, False)]


def test_a_server_that_stops_early_has_lost_its_client_and_the_application_is_closed(tmp_path: Path) -> None:
    closed: list[bool] = []

    def streams(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            while True:
                yield b"xyz"
        finally:
            closed.append(True)

    with guarded(tmp_path, on_open(streams)) as app:
        serve(app, environment(GPTBOT, "/open"), most=3)
    assert closed == [True]
    assert sizes(tmp_path) == [(200, 9, True)]


def test_an_exception_of_the_application_s_passes_through_and_is_on_record(tmp_path: Path) -> None:
    def at_once(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise LookupError("of its own")

    def later(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"ab"
        raise LookupError("of its own")

    for name, app in (("at once", at_once), ("later", later)):
        place = tmp_path / name
        place.mkdir()
        with guarded(place, on_open(app)) as door:
            for agent in (GPTBOT, CHROME):
                with pytest.raises(LookupError, match="of its own"):
                    serve(door, environment(agent, "/open"))
    assert sizes(tmp_path / "at once") == [(None, 0, True)]
    assert sizes(tmp_path / "later") == [(200, 2, True)]


def test_what_the_application_says_itself_stays(tmp_path: Path) -> None:
    own = [("Link", "</own>"), ("TDM-Reservation", "0")]

    def says(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/.well-known/tdmrep.json":
            start_response("200 OK", [])
            return [b'[{"location": "/", "tdm-reservation": 1}]']
        if environ["PATH_INFO"] == "/robots.txt":
            return page(environ, start_response)
        start_response("200 OK", own)
        return []

    with guarded(tmp_path, says) as app:
        serve(app, environment(GPTBOT))  # until its first answer the site is not known to declare anything
        told, posted = serve(app, environment()), serve(app, environment(REQUEST_METHOD="POST"))
    assert told.headers == [*own, LICENSE]
    assert posted.headers == own


def test_content_of_one_licensed_is_kept_out_of_caches_in_place_of_what_the_application_says() -> None:
    headers = [("cache-control", "public"), ("Link", "</own>")]
    added = _added(headers, Fields((("Link", "</own>"), ("Link", "</x>"))), Fields((("Cache-Control", "private"),)))
    assert added == [("Link", "</own>"), ("Cache-Control", "private"), ("Link", "</x>")]
    assert headers == [("cache-control", "public"), ("Link", "</own>")]


# Settings, starts, threads


def test_settings_that_make_no_sense_are_refused_when_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    with pytest.raises(PolicyError):
        OptoutMiddleware(page, policy=tmp_path / "policy.yaml", evidence=None)
    with pytest.raises(UsageError):
        OptoutMiddleware(page, policy=None, evidence=None, trusted_proxies=("nowhere",))


@pytest.mark.parametrize(("options", "status"), [({"policy": None}, 200), ({"observe_only": True}, 200), ({}, 402)])
def test_without_a_policy_or_with_observe_only_a_crawler_passes_on_record(
    options: dict[str, Any], status: int, tmp_path: Path
) -> None:
    with guarded(tmp_path, **options) as app:
        assert serve(app, environment(GPTBOT, "/paid/")).code == status
    assert len(records(tmp_path, "request")) == 1


def test_a_log_that_cannot_be_opened_refuses_by_on_error_and_people_pass(tmp_path: Path) -> None:
    with unusable(tmp_path / "evidence"), guarded(tmp_path) as app:
        crawler, person = serve(app, environment(GPTBOT, "/open")), serve(app, environment())
    assert (crawler.code, person.code) == (503, 200)


def test_documents_may_come_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: GPTBot\nDisallow: /drafts/\n")
    with guarded(tmp_path, documents=tmp_path) as app:
        assert serve(app, environment(GPTBOT, "/drafts/")).code == 403


async def test_threads_of_a_real_server_get_their_own_answers_and_every_refusal_is_on_record(tmp_path: Path) -> None:
    answers: list[Answer] = []

    async def visit(port: int, agent: str) -> None:
        for _ in range(10):
            answers.append(await ask(port, "/paid/x", agent))

    with guarded(tmp_path) as app, wsgi_served(app) as port:
        await asyncio.gather(visit(port, GPTBOT), visit(port, CHROME), visit(port, GPTBOT))
    assert sorted(answer.status for answer in answers) == [200] * 10 + [402] * 20
    told = sorted(json.loads(answer.body)["instance"] for answer in answers if answer.status == 402)
    assert told == sorted(f"urn:uuid:{leaf['id']}" for leaf in records(tmp_path))


OCTETS = st.binary(max_size=30).map(lambda data: data.decode("latin-1"))
KEYS = st.sampled_from(
    """
    HTTP_HOST HTTP_SIGNATURE_AGENT HTTP_X_FORWARDED_FOR HTTP_ACCEPT HTTP_AUTHORIZATION HTTP_ RAW_URI PATH_INFO
    SCRIPT_NAME QUERY_STRING REMOTE_ADDR SERVER_PROTOCOL REQUEST_METHOD CONTENT_TYPE
    """.split()
)


@pytest.fixture(scope="module")
def bystander(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OptoutMiddleware]:
    """A door that keeps no record, before an application that answers 200 to everything."""
    place = tmp_path_factory.mktemp("site")
    (place / "policy.yaml").write_text(POLICY)
    app = OptoutMiddleware(page, policy=place / "policy.yaml", evidence=None, state=place, documents=place)
    serve(app, environment(GPTBOT, "/paid/"))  # what is published is known then, and not asked for in a thread
    yield app
    app.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(agent=st.one_of(st.sampled_from([GPTBOT, CHROME]), OCTETS), environ=st.dictionaries(KEYS, OCTETS, max_size=6))
def test_no_values_of_an_environment_make_it_raise(
    bystander: OptoutMiddleware, agent: str, environ: dict[str, str]
) -> None:
    told = serve(bystander, environment(agent, **environ))
    assert told.code in (200, 400, 402, 404)
    assert told.content or environ.get("REQUEST_METHOD") == "HEAD"
