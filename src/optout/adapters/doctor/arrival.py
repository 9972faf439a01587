"""What arrived at Optout of a request that was sent to the front door: its host, its scheme, the visitor's address."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from optout.adapters.doctor.findings import Finding, fault, ok, warning
from optout.adapters.doctor.visits import Target, Visits
from optout.adapters.doctor.watch import Door, Seen


def look_at_arrival(visits: Visits, door: Door | None, arrived: Seen | None) -> Iterator[Finding]:
    """What is to be said of the way from the front door to Optout; `door` None: none answered the invitation."""
    if door is None:
        return
    if arrived is None:
        why = "crawlers pass Optout by: they are neither refused nor recorded"
        name = visits.crawler.name
        yield fault("arrival", f"the request of {name} did not arrive at Optout", why, *_ROUTE)
        return
    yield ok("arrival", f"requests arrive at {door.software}")
    yield from _host(visits.target, arrived)
    yield from _scheme(visits.target, arrived)
    yield from _address(visits.target, door, arrived)


_ROUTE = ("# is the front end's configuration in use?", "nginx -t && systemctl reload nginx")


def _host(target: Target, arrived: Seen) -> Iterator[Finding]:
    if arrived.authority == target.authority:
        yield ok("host", f"the Host that arrives is {arrived.authority}")
        return
    why = "policies are chosen by it, and the site's own links may point there"
    what = f"the Host that arrives is {arrived.authority}, and not {target.authority}"
    nginx, apache = "proxy_set_header Host $http_host;    # nginx", "ProxyPreserveHost On    # Apache"
    yield fault("host", what, why, nginx, apache)


def _scheme(target: Target, arrived: Seen) -> Iterator[Finding]:
    if arrived.scheme == target.scheme:
        yield ok("scheme", f"the scheme that arrives is {arrived.scheme}")
        return
    why = "the site may redirect for ever, and records name the wrong URL"
    what = f"the scheme that arrives is {arrived.scheme}, and visitors use {target.scheme}"
    yield fault("scheme", what, why, "proxy_set_header X-Forwarded-Proto $scheme;    # nginx", *_TRUST)


def _address(target: Target, door: Door, arrived: Seen) -> Iterator[Finding]:
    if arrived.source != "unknown":
        yield ok("address", f"the address that arrives is {arrived.address}, known from the {arrived.source} address")
        return
    field = arrived.forwarded.get(door.forwarded_field, "")
    if door.trusted and field:
        yield ok("address", "proxies are listed; no public address came, because you ask from inside the network")
    elif door.trusted:
        why = "no address of a crawler can be checked"
        line = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;    # nginx"
        yield fault("address", f"the listed proxy sends no {door.forwarded_field}", why, line)
    elif arrived.forwarded or not is_loopback(target):
        why = "no address of a crawler can be checked: the proxy's own stands in its place"
        yield warning("address", "the visitor's address does not arrive", why, _FORWARD, *_TRUST)
    else:
        yield ok("address", "which address arrives cannot be told, because you ask over the loopback interface")


_FORWARD = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;    # nginx"
_TRUST = (
    "# and tell Optout who may say so, in its command line or OPTOUT_OPTIONS:",
    "--trusted-proxy 127.0.0.1 --trusted-proxy ::1 --forwarded-field x-forwarded-for",
)


def is_loopback(target: Target) -> bool:
    """Whether the doctor asks this very machine, by its own address."""
    name = (target.connect or target.authority).rpartition(":")[0] or target.connect or target.authority
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
