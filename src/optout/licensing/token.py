"""A crawler's license token and the grant that a license server makes of it.

CAP: `Authorization: License <token>` (standards.md 5.5). OLP: `POST {server}/introspect` as in the draft of August
2025, the last text whose fields could be read; RSL 1.0 may have renamed some (standards.md 5.6). Hence the rule: only
what the server says in so many words grants anything, and what it does not say clearly is the server's fault, not the
crawler's: unavailable (503, ask again), never invalid (401).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from optout.messages import Fields

LONGEST_TOKEN = 4_096  # octets; a signed JWT with claims has about 1,500, and aiohttp cuts a field at 8,190
LONGEST_TEXT = 200  # characters of a server's words that a record may carry


class GrantState(StrEnum):
    """What a token is good for. `none`: no token came, or no server was to be asked."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"
    UNPAID = "unpaid"
    WRONG_USE = "wrong-use"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The license server's word about one token and one resource.

    `license_id` names the license: the server's own text if short and printable, else `sha256:` and its digest.
    `reason` is in words, the server's own where it gave any: escape both before they reach a terminal or a page.
    """

    state: GrantState
    license_id: str = ""
    reason: str = ""


NO_GRANT = Grant(state=GrantState.NONE)

# token68 of RFC 9110 section 11.2, which is b64token of RFC 6750: nothing in it needs escaping anywhere.
_CREDENTIALS = re.compile(r"License +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def parse_license_authorization(fields: Fields) -> str | None:
    """The token of `Authorization: License <token>`; None if there is none or it is malformed. Never raises.

    Two Authorization fields that differ are none: which one the origin would read is unknown (RFC 9110 section 5.5).
    """
    values = {value.strip(" \t") for value in fields.all("authorization")}
    if len(values) != 1:
        return None
    found = _CREDENTIALS.fullmatch(values.pop())
    return found.group(1) if found is not None and len(found.group(1)) <= LONGEST_TOKEN else None


def parse_introspection(answer: object) -> Grant:
    """The grant in a decoded JSON answer of `/introspect`. Never raises.

    `active` false: invalid. `active` and `permitted` true: valid. `permitted` false: unpaid where the reason speaks of
    payment, else wrong use. A token of another type: invalid. Anything else: unavailable.
    """
    if not isinstance(answer, dict):
        return _unclear("no JSON object")
    active, permitted = answer.get("active"), answer.get("permitted")
    reason = _text(answer.get("reason"))
    if active is False:
        return Grant(state=GrantState.INVALID, reason=reason or "the license server does not know the token")
    if active is not True:
        return _unclear("active is neither true nor false")
    kind = answer.get("token_type")
    if kind is not None and not (isinstance(kind, str) and kind.lower() in _TOKEN_TYPES):
        return Grant(state=GrantState.INVALID, reason="the token is no license token")
    license_id = _license_id(answer.get("license"))
    if permitted is True:
        return Grant(state=GrantState.VALID, license_id=license_id, reason=reason)
    if permitted is not False:
        return _unclear("permitted is neither true nor false")
    is_unpaid = _PAYMENT.search(reason) is not None
    return Grant(
        state=GrantState.UNPAID if is_unpaid else GrantState.WRONG_USE,
        license_id=license_id,
        reason=reason or "the license does not permit this",
    )


_TOKEN_TYPES = frozenset({"license", "rsl"})  # RSL 1.0, and the drafts before it
# The draft leaves `reason` open; these words mean "pay first" in any server's English.
_PAYMENT = re.compile(
    r"(?<![a-z])(?:(?:un)?paid|pay(?:ment|able)?|insufficient[ _-](?:funds|balance|credit))(?![a-z])", re.IGNORECASE
)


def _unclear(what: str) -> Grant:
    return Grant(state=GrantState.UNAVAILABLE, reason=f"the license server's answer is unclear: {what}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(char if char.isprintable() else " " for char in value[:LONGEST_TEXT]).strip()


def _license_id(value: object) -> str:
    """A whole license element may come here (OLP): too long to be a name, so its digest names it."""
    if not isinstance(value, str) or not value:
        return ""
    if len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    return f"sha256:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
