"""What a site says of mining, from nginx itself: fields for everybody, by path, made when the policy is compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from optout.compilers.edge import Edge, Loss
from optout.compilers.nginx.names import literal
from optout.compilers.nginx.text import named, searched
from optout.compilers.patterns import pcre

OWN_ANSWERS = Loss(
    code="front-end-answers-first",
    text="what nginx itself answers 400, such as a broken escape, is in nginx's own words, and in no log of Optout's",
    remedy="none is needed: nothing of the site is in such an answer",
)
ONE_SITE = Loss(
    code="one-site",
    text="every request of the server block is taken for one site, whatever host it names",
    remedy="give each site a server block of its own, or set server_name and let a default server answer the rest",
)
FIELD_LOSS = Loss(
    code="locations-with-fields",
    text="a location with add_header lines of its own does not declare what the site says of mining",
    remedy="include optout-fields.conf in that location",
)


def tag_of(edge: Edge) -> str:
    """What all variables of an edge begin with: short, because nginx keeps their names in small hashes."""
    return f"oo{hashlib.sha256(edge.authority.encode()).hexdigest()[:4]}"


def dollar(text: str, tag: str) -> str:
    """The definition of the variable that stands for a dollar sign, where `text` uses it."""
    return f'geo ${tag}_dollar {{\n    default "$";\n}}\n\n' if f"{tag}_dollar" in text else ""


def declaring_maps(edge: Edge, tag: str) -> Iterator[str]:
    """What the site says of mining, by path; for refusals, and for responses to GET and HEAD."""
    if not edge.enforced:
        return
    for at, (_, value) in enumerate(edge.links):
        yield named("$request_method", f"${tag}_link_{at}", [(method, literal(value, tag)) for method in _READS])
    if not edge.declared:
        return
    pairs = [(pcre(each.pattern), str(at)) for at, each in enumerate(edge.declared) if each.pattern is not None]
    others = next((str(at) for at, each in enumerate(edge.declared) if each.pattern is None), "")
    yield searched("$request_uri", f"${tag}_declared", pairs, default=others)
    reads = [(method, f"${tag}_declared") for method in _READS]
    yield named("$request_method", f"${tag}_declared_here", reads)
    for name in _field_names(edge):
        values = [(str(at), each.fields.first(name) or "", each.reserved) for at, each in enumerate(edge.declared)]
        told = [(at, literal(value, tag)) for at, value, reserved in values if value and reserved]
        said = [(at, literal(value, tag)) for at, value, _ in values if value]
        yield named(f"${tag}_declared", f"${tag}_reserved_{_identifier(name)}", told)
        yield named(f"${tag}_declared_here", f"${tag}_said_{_identifier(name)}", said)


def reserving_lines(edge: Edge, tag: str) -> tuple[str, ...]:
    """The `add_header` lines for refusals."""
    return tuple(f"add_header {name} ${tag}_reserved_{_identifier(name)} always;" for name in _field_names(edge))


_READS = ("GET", "HEAD")


def _field_names(edge: Edge) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in edge.declared for name, _ in each.fields))


def _identifier(name: str) -> str:
    return name.lower().replace("-", "_")


def declaring_lines(edge: Edge, tag: str) -> tuple[str, ...]:
    """The `add_header` lines for every response of the site; none where the policy observes."""
    if not edge.enforced:
        return ()
    declared = [f"add_header {name} ${tag}_said_{_identifier(name)} always;" for name in _field_names(edge)]
    links = [f"add_header {name} ${tag}_link_{at} always;" for at, (name, _) in enumerate(edge.links)]
    return (*declared, *links)
