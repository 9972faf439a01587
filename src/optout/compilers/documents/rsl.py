"""A policy as a license document of Really Simple Licensing (RSL 1.0, namespace https://rslstandard.org/rsl).

The most specific `content` speaks for a path, so each has the complete set. What needs a license is offered at the
owner's page or address: a policy knows no price. `permits` is a closed list (RSL 1.0, evaluation), so where a content
permits anything, search is permitted beside it unless the policy speaks of search: nobody means to lose that. For the
same reason a content names its license server only where search is not free: a server makes a token necessary for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from optout.compilers.documents.uses import Uses
from optout.policy.model import Action
from optout.signals.preference import Usage

NAMESPACE: Final = "https://rslstandard.org/rsl"
MEDIA_TYPE: Final = "application/rsl+xml"
USAGES: Final = {Usage.TRAIN: "ai-train", Usage.INPUT: "ai-input", Usage.INDEX: "ai-index", Usage.SEARCH: "search"}


def license_xml(found: tuple[Uses, ...], *, offer: str, server: str, terms: str) -> bytes:
    """The document's bytes; b"" where nothing is said of any use, because a document needs a license.

    `offer` is where a license is to be had, `server` the base URL of a license server, `terms` a page for people; each
    is an absolute URL, or "".
    """
    if not found:
        return b""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<rsl xmlns={quoteattr(NAMESPACE)}>"]
    for uses in found:
        needs = [word for usage, word in USAGES.items() if uses.said.get(usage) is Action.REQUIRE_LICENSE]
        is_open_to_search = uses.said.get(Usage.SEARCH) in (None, Action.ALLOW)
        by_server = f" server={quoteattr(server)}" if server and needs and not is_open_to_search else ""
        lines.append(f"  <content url={quoteattr(uses.path)}{by_server}>")
        lines += _licenses(uses, needs, offer or server)
        lines += [f"    <terms>{escape(terms)}</terms>"] if terms else []
        lines.append("  </content>")
    lines.append("</rsl>")
    return ("\n".join(lines) + "\n").encode("utf-8")


def _licenses(uses: Uses, needs: list[str], offer: str) -> Iterator[str]:
    permitted = [word for usage, word in USAGES.items() if uses.said.get(usage) is Action.ALLOW]
    if (permitted or needs) and Usage.SEARCH not in uses.said:
        permitted.append(USAGES[Usage.SEARCH])
    refused = [word for usage, word in USAGES.items() if uses.said.get(usage) is Action.DENY]
    if permitted or refused:
        yield "    <license>"
        if permitted:
            yield f'      <permits type="usage">{" ".join(permitted)}</permits>'
        if refused:
            yield f'      <prohibits type="usage">{" ".join(refused)}</prohibits>'
        if permitted:
            yield '      <payment type="free"/>'
        yield "    </license>"
    if needs:
        yield "    <license>"
        yield f'      <permits type="usage">{" ".join(needs)}</permits>'
        yield from _payment(offer)
        yield "    </license>"


def _payment(offer: str) -> Iterator[str]:
    if not offer:
        yield '      <payment type="purchase"/>'
        return
    yield '      <payment type="purchase">'
    yield f"        <custom>{escape(offer)}</custom>"
    yield "      </payment>"
