"""A tdmrep.json from values to bytes, in one form (TDM Reservation Protocol, "TDM File on the Origin Server")."""

from __future__ import annotations

import json

from optout.robots.model import PathPattern
from optout.signals.tdmrep import Reserved, TdmMatcher, TdmRep

_VALUES = {Reserved.RESERVED: 1, Reserved.NOT_RESERVED: 0}


def write_tdmrep(rep: TdmRep) -> bytes:
    """The file's octets: what `parse_tdmrep` reads in them says the same of every path.

    Each location stands once. A rule whose reservation is a protocol error keeps its place, without the member: it
    still is the first match for its paths, and what comes later must not speak for them. At the end it is left out.
    """
    rules = list(TdmMatcher(rep).rules)
    while rules and rules[-1].reserved is Reserved.UNSET:
        del rules[-1]
    written = []
    for rule in rules:
        members: dict[str, object] = {"location": _written(rule.location)}
        if rule.reserved is not Reserved.UNSET:
            members["tdm-reservation"] = _VALUES[rule.reserved]
        if rule.policy and rule.reserved is Reserved.RESERVED:
            members["tdm-policy"] = rule.policy
        written.append(members)
    return json.dumps(written, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def _written(location: PathPattern) -> str:
    text = location.octets.decode("ascii")
    return text if PathPattern.parse(text).octets == location.octets else location.written
