"""One request and its answer on their way: kept with the flow, counted, and told how they ended."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow, Response
from mitmproxy.test import tflow

from optout.adapters.client_address import NO_PROXIES, load_trusted_proxies
from optout.adapters.forwarding import Visit
from optout.adapters.mitmproxy.exchange import Exchange, keep, of, take, visit_of
from optout.messages import UNKNOWN_CLIENT, Destination, Fields
from optout.record import Ending


def exchange() -> Exchange:
    visit = Visit(peer="203.0.113.9", is_proxy=False, client=UNKNOWN_CLIENT, scheme="http", host="site.example")
    place = Destination(authority="site.example", target="/")
    return Exchange(method="GET", destination=place, fields=Fields(), visit=visit)


def flow(response: Response | None = None) -> HTTPFlow:
    return tflow.tflow(resp=response or False)


def test_an_exchange_stays_with_its_flow_until_it_is_taken() -> None:
    asked, kept = flow(), exchange()
    assert of(asked) is take(asked) is None
    keep(asked, kept)
    assert of(asked) is kept
    assert take(asked) is kept
    assert of(asked) is None


def test_what_passes_is_counted_and_not_changed() -> None:
    counted = exchange()
    assert counted.count(b"12345") == b"12345"
    assert counted.count(b"") == b""
    answer = Response.make(200)
    answer.raw_content = None  # streamed
    assert counted.ending(flow(answer), aborted=True) == Ending(status=200, body_bytes=5, aborted=True)


def test_an_answer_of_our_own_counts_with_its_body() -> None:
    assert exchange().ending(flow(Response.make(403, b"four")), aborted=False) == Ending(
        status=403, body_bytes=4, aborted=False
    )


def test_without_an_answer_mitmproxy_says_502_to_whoever_is_still_there() -> None:
    asked = flow()
    assert exchange().ending(asked, aborted=True).status == 502
    asked.client_conn.state = type(asked.client_conn.state).CLOSED
    assert exchange().ending(asked, aborted=True).status is None


def test_a_proxy_of_the_owner_s_is_believed_and_a_stranger_is_not() -> None:
    asked = flow()
    asked.client_conn.peername = ("10.0.0.5", 1234)
    fields = Fields((("Host", "Site.example"), ("X-Forwarded-For", "8.8.8.8"), ("X-Forwarded-Proto", "https")))
    stranger = visit_of(asked, fields, "http", NO_PROXIES)
    assert (stranger.peer, stranger.is_proxy, stranger.scheme) == ("10.0.0.5", False, "http")
    assert stranger.client is UNKNOWN_CLIENT
    proxy = visit_of(asked, fields, "http", load_trusted_proxies(["10.0.0.0/8"]))
    assert (proxy.is_proxy, proxy.scheme, proxy.client.address) == (True, "https", "8.8.8.8")
    assert proxy.host == "Site.example"


def test_without_a_host_field_the_target_names_the_host() -> None:
    asked = flow()
    asked.request.authority = "site.example"
    assert visit_of(asked, Fields(), "https", NO_PROXIES).host == "site.example"


def test_nobody_is_refused_before_somebody_judged() -> None:
    assert exchange().refusal is None
