"""One policy as every document that publishes it: robots.txt, tdmrep.json and its policy, license.xml, ai.txt.

All of them are made from the same lines (`clauses`), so that no two of them contradict one another. What a document
cannot say is in `SiteDocuments.losses`, with the line of the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from optout.compilers.documents import lost
from optout.compilers.documents.ai_txt import ai_txt
from optout.compilers.documents.audiences import audiences
from optout.compilers.documents.pages import Section, sections
from optout.compilers.documents.reservations import odrl_json, reservations, tdmrep_json
from optout.compilers.documents.robots_txt import robots_txt
from optout.compilers.documents.rsl import MEDIA_TYPE, USAGES, license_xml
from optout.compilers.documents.uses import among, uses_for
from optout.compilers.edge import Loss
from optout.crawlers.registry import Registry
from optout.messages import parse_authority, parse_target
from optout.policy.always_open import ALWAYS_OPEN_PATHS
from optout.policy.model import Policy
from optout.policy.values import is_plain_path
from optout.robots.parser import parse_robots
from optout.signals.declaration import (
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Document,
    absent,
    known,
)

AI_TXT_PATH: Final = "/ai.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One document as it is served."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDocuments:
    """Everything that publishes a policy for one site.

    `files` are by path on the site; robots.txt is always among them, and a document that would say nothing is not.
    `sections` are what to send with pages and pictures. `losses` are what cannot be said.
    """

    files: dict[str, Served]
    sections: tuple[Section, ...]
    losses: tuple[Loss, ...]

    @property
    def declared(self) -> tuple[Document, Document]:
        """robots.txt and tdmrep.json, as what the site publishes and is decided by."""
        tdmrep = self.files.get(TDMREP_PATH)
        return (
            known(ROBOTS_NAME, self.files[ROBOTS_PATH].data),
            absent(TDMREP_NAME) if tdmrep is None else known(TDMREP_NAME, tdmrep.data),
        )


def compile_documents(policy: Policy, registry: Registry, *, authority: str) -> SiteDocuments:
    """The documents of the site at `authority`."""
    site = f"https://{authority}"
    policy_url, license_url, terms = (_absolute(url, site) for url in (policy.tdm_policy, policy.license, policy.terms))
    policy_path, license_path = _own(policy_url, authority), _own(license_url, authority)
    made_from = f"policy {policy.digest[:16]}"
    reserved = reservations(policy)
    uses = uses_for(policy)
    licensed = license_xml(
        among(uses, USAGES), offer=terms or _absolute(policy.contact, site), server=policy.license_server, terms=terms
    )
    files: dict[str, Served] = {}
    if reserved.lines:
        files[TDMREP_PATH] = Served(data=tdmrep_json(reserved.lines, policy_url), media_type="application/json")
    if policy_path:
        data = odrl_json(policy, uid=policy_url, site=site)
        files[policy_path] = Served(data=data, media_type="application/ld+json")
    if license_path and licensed:
        files[license_path] = Served(data=licensed, media_type=MEDIA_TYPE)
    training = ai_txt(policy, made_from=made_from)
    if training:
        files[AI_TXT_PATH] = Served(data=training, media_type="text/plain; charset=utf-8")
    opened = tuple(sorted((ALWAYS_OPEN_PATHS | policy.always_open) - {ROBOTS_PATH}))
    base = parse_robots(policy.robots_base.encode("utf-8", "surrogateescape"))
    found = audiences(policy, registry, reserved.lines, opened, base)
    robots = robots_txt(found, base, license_url=license_url, sitemaps=policy.sitemaps, made_from=made_from)
    files[ROBOTS_PATH] = Served(data=robots, media_type="text/plain; charset=utf-8")
    return SiteDocuments(
        files=dict(sorted(files.items())),
        sections=sections(reserved.lines, uses, policy_url=policy_url, license_url=license_url),
        losses=lost.losses(policy, found, reserved, opened, is_licensed=license_path in files, size=len(robots)),
    )


def _absolute(url: str, site: str) -> str:
    return f"{site}{url}" if url.startswith("/") else url


def _own(url: str, authority: str) -> str:
    """The path of an absolute URL that lies on the site itself and can be a file; "" for any other."""
    target, named = parse_target(url) if url else ("", None)
    own = {parse_authority(authority, scheme) for scheme in ("http", "https")}
    if not named or parse_authority(named, "https") not in own:
        return ""
    path = target.partition("#")[0]
    return path if is_plain_path(path) else ""
