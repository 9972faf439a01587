"""`Signature-Input`, `Signature` and `Signature-Agent`: from fields to values, and to the text that was signed.

Implements RFC 9421 (HTTP Message Signatures) sections 2 and 4, and draft-ietf-webbotauth-httpsig-protocol-01 for
`Signature-Agent`. The library `http_sf` reads and writes structured fields (RFC 9651). Of the parameters that a
component may have, `key`, `name` and `req` are understood; `sf`, `bs`, `tr` and whatever else are not, and what is
signed with them cannot be checked. Nothing here raises for what a stranger sent, and `LONGEST_FIELD` bounds the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from http_sf import StructuredFieldError, parse, ser

from optout.messages import Fields, Request, octets

LONGEST_FIELD = 8 * 1024  # octets, of each of the three fields; honest ones have some hundred
LONGEST_BASE = 4 * 1024  # octets, so that a record can hold it whole
MOST_SIGNATURES = 8
MOST_COMPONENTS = 32

_KNOWN = frozenset({"key", "name", "req"})
_QUERY_SAFE = "*-._"  # URL Living Standard, "application/x-www-form-urlencoded percent-encode set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One covered component (RFC 9421 section 2): a field by its lower-case name, or a derived one with its `@`.

    `key` is the member of a dictionary that alone is covered, `parameter` the name of a query parameter, `of_request`
    whether a response's signature means the request. `text` is the identifier as it stands in the signature base.
    `is_known` is False where it has a parameter that is not understood here.
    """

    name: str
    text: str
    key: str = ""
    parameter: str = ""
    of_request: bool = False
    is_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of a message. Times are seconds since 1970 UTC; what was not given is None or "".

    `parameters` is the value of `@signature-params`: components and parameters in RFC 9651's strict form.
    """

    label: str
    components: tuple[Component, ...]
    parameters: str
    value: bytes
    created: int | None = None
    expires: int | None = None
    keyid: str = ""
    alg: str = ""
    nonce: str = ""
    tag: str = ""

    def covers(self, name: str) -> bool:
        """Whether a component of this name is covered."""
        return any(component.name == name for component in self.components)


def parse_signatures(fields: Fields) -> tuple[Signature, ...] | None:
    """The signatures of a message in their order; None where one of the two fields cannot be read.

    A label that only one of the fields has, a component that is covered twice and a parameter of the wrong type make
    both unreadable: a part that cannot be read may be the one that matters.
    """
    described, values = _dictionary(fields, "signature-input"), _dictionary(fields, "signature")
    if described is None or values is None or described.keys() != values.keys() or len(values) > MOST_SIGNATURES:
        return None
    found = [_signature(label, described[label], values[label]) for label in described]
    whole = tuple(each for each in found if each is not None)
    return whole if len(whole) == len(found) else None


def _dictionary(fields: Fields, name: str) -> dict[str, object] | None:
    """The field as a dictionary, several lines joined; None where it is none, or has a key twice."""
    data = octets(", ".join(value.strip(" \t") for value in fields.all(name)))
    twice: list[str] = []
    if len(data) > LONGEST_FIELD:
        return None
    try:
        found = parse(data, tltype="dictionary", on_duplicate_key=lambda key, _: twice.append(key))
    except StructuredFieldError:
        return None
    return dict(found) if isinstance(found, dict) and not twice else None


def _signature(label: str, described: object, value: object) -> Signature | None:
    signed = value[0] if isinstance(value, tuple) else None
    if not isinstance(described, tuple) or not isinstance(described[0], list) or not isinstance(signed, bytes):
        return None
    items, parameters = described
    components = [_component(item) for item in items]
    whole = tuple(each for each in components if each is not None)
    texts = {each.text for each in whole}
    if len(texts) < len(items) or len(items) > MOST_COMPONENTS:  # unreadable, or covered twice (section 2.5)
        return None
    numbers = {name: parameters.get(name) for name in ("created", "expires")}
    words = {name: parameters.get(name, "") for name in ("keyid", "alg", "nonce", "tag")}
    if not all(type(each) in (int, type(None)) for each in numbers.values()):
        return None
    if not all(type(each) is str for each in words.values()):
        return None
    return Signature(label=label, components=whole, parameters=ser([described]), value=signed, **numbers, **words)


def _component(item: object) -> Component | None:
    if not isinstance(item, tuple) or type(item[0]) is not str:
        return None
    name, parameters = item
    if not name or name != name.lower() or name == "@signature-params":
        return None
    key, parameter = parameters.get("key", ""), parameters.get("name", "")
    return Component(
        name=name,
        text=ser(item),
        key=key if type(key) is str else "",
        parameter=parameter if type(parameter) is str else "",
        of_request=parameters.get("req") is True,
        is_known=parameters.keys() <= _KNOWN and type(key) is str and type(parameter) is str,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """The component for which a signature base cannot be made: the message has no such thing, or it is not known."""

    component: Component


Derive = Callable[[Component], str | None]
"""The value of a derived component (RFC 9421 section 2.2), or None where the message has none."""


def signature_base(signature: Signature, fields: Fields, derive: Derive) -> str | Uncovered:
    """The text that was signed (RFC 9421 section 2.5), or the component that keeps it from being made."""
    lines: list[str] = []
    for component in signature.components:
        value = _value(component, fields, derive)
        # No value may add a line; a tab may stand in a field.
        if value is None or not value.isascii() or not value.replace("\t", " ").isprintable():
            return Uncovered(component=component)
        lines.append(f"{component.text}: {value}")
    return "\n".join((*lines, f'"@signature-params": {signature.parameters}'))


def request_base(signature: Signature, request: Request) -> str | Uncovered:
    """The text that was signed of a request, whose authority and scheme are those that the client used."""
    return signature_base(signature, request.fields, lambda component: _derived(component, request))


def _value(component: Component, fields: Fields, derive: Derive) -> str | None:
    if not component.is_known:
        return None
    if component.name.startswith("@"):
        return derive(component)
    if component.of_request or component.parameter:
        return None
    if component.key:
        return _member(component, fields)
    values = fields.all(component.name)
    return ", ".join(value.strip(" \t") for value in values) if values else None


def _member(component: Component, fields: Fields) -> str | None:
    """One member of a dictionary, in strict form (section 2.1.2)."""
    members = _dictionary(fields, component.name)
    if members is None or component.key not in members:
        return None
    member = members[component.key]
    return ser([member]) if isinstance(member, tuple) else None


def _derived(component: Component, request: Request) -> str | None:
    """Section 2.2. A request has no `req`, and only a query parameter has a name."""
    is_parameter = component.name == "@query-param"
    if component.of_request or component.key or bool(component.parameter) != is_parameter:
        return None
    path, mark, query = request.target.partition("?")
    match component.name:
        case "@method":
            return request.method
        case "@authority":
            return request.authority or None
        case "@scheme":
            return request.scheme
        case "@target-uri":
            return f"{request.scheme}://{request.authority}{request.target}"
        case "@request-target":
            return request.target
        case "@path":
            return path
        case "@query":
            return f"?{query}" if mark else "?"
        case "@query-param":
            return _query_parameter(component.parameter, query)
        case _:
            return None


def _query_parameter(name: str, query: str) -> str | None:
    """Section 2.2.8: the value of the one parameter of that name, encoded anew; None where there are several."""
    if len(query) > LONGEST_BASE:
        return None
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    values = [value for key, value in pairs if quote(key, safe=_QUERY_SAFE, errors="surrogateescape") == name]
    return quote(values[0], safe=_QUERY_SAFE, errors="surrogateescape") if len(values) == 1 else None


def parse_signature_agent(fields: Fields, signature: Signature) -> str | None:
    """The URL that `Signature-Agent` gives for this signature; "" where it gives none that is covered.

    None where the field cannot be read. A dictionary's member is the one that the covered component names by its `key`;
    without one, the only member. A lone string is the form of earlier drafts, which many senders still use.
    """
    values = fields.all("signature-agent")
    covered = next((each for each in signature.components if each.name == "signature-agent"), None)
    if not values or covered is None:
        return ""
    if values[0].lstrip(" \t").startswith('"'):
        item = _string(fields)
        return None if covered.key else item
    members = _dictionary(fields, "signature-agent")
    if not members:
        return None
    key = covered.key or (next(iter(members)) if len(members) == 1 else "")
    member = members.get(key)
    return member[0] if isinstance(member, tuple) and type(member[0]) is str else None


def _string(fields: Fields) -> str | None:
    data = octets(", ".join(fields.all("signature-agent")).strip(" \t"))
    if len(data) > LONGEST_FIELD:
        return None
    try:
        found = parse(data, tltype="item")
    except StructuredFieldError:
        return None
    return found[0] if isinstance(found, tuple) and type(found[0]) is str else None
