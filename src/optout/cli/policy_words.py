"""A policy as sentences for a person, and as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optout.errors import Problem
from optout.policy.model import Action, Clause, ClauseAction, DocumentsFrom, Mode, OnError, OnReservation, Policy
from optout.policy.rollout import bucket

_CLAUSE = {
    ClauseAction.ALLOW: "passes",
    ClauseAction.DENY: "refused (403)",
    ClauseAction.REQUIRE_LICENSE: "a license is required (402)",
    ClauseAction.PUBLISHED: "as the site has published",
    ClauseAction.THROTTLE: "whoever is let in is slowed down (429) above",
}
_STEP = {
    Action.ALLOW: "passes",
    Action.DENY: "is refused (403)",
    Action.REQUIRE_LICENSE: "needs a license (402)",
    Action.THROTTLE: "is slowed down (429)",
}
_RESERVED = {
    OnReservation.DECLARE: "is declared in every answer and refuses nobody",
    OnReservation.REQUIRE_LICENSE: "asks training and dataset crawlers for a license (402)",
    OnReservation.DENY: "refuses training and dataset crawlers (403)",
}


def sentences(policy: Policy) -> Iterator[str]:
    """What the policy does, in the order of access (design part 5.1), a line each."""
    sites = "every site" if policy.sites == ("*",) else ", ".join(policy.sites)
    yield f"{policy.file}, for {sites}: it {_doing(policy)}"
    yield f"  always open: {', '.join(['what carries terms and opt-outs', *sorted(policy.always_open)])}"
    if policy.documents_from is DocumentsFrom.GENERATED:
        yield "  publishes: robots.txt and all that says the same, made from this policy and served at the door"
    for clause in policy.clauses:
        yield f"  {clause.id} (line {clause.place.line}): {_who(clause)}: {_does(clause)}{_aside(clause)}"
    source = policy.robots_file or "robots.txt"
    yield f"  then: what {source} disallows {_STEP[policy.on_disallow]}"
    yield f"  then: a TDM reservation {_RESERVED[policy.on_reservation]}"
    yield f"  else: an AI crawler {_STEP[policy.default]}"
    fault = "gets 503 and may come back" if policy.on_error is OnError.REFUSE else "passes"
    yield f"  if Optout itself fails: an AI crawler {fault}; everybody else passes"


def _doing(policy: Policy) -> str:
    rollout = policy.rollout
    if policy.mode is Mode.OBSERVE:
        return "observes: what follows is recorded, and nobody is answered"
    if rollout is None:
        return "enforces"
    meant = [*sorted(rollout.sites), *([f"{rollout.percent} percent of all sites"] if rollout.share else [])]
    named = [site for site in policy.sites if "*" not in site]
    count = f" ({sum(map(policy.enforces, named))} of the {len(named)} that it names)" if named else ""
    return f"enforces {', '.join(meant) or 'no site yet'}{count}; the others observe"


def why(policy: Policy, authority: str) -> str:
    """Why what is decided for a site is carried out, or is only recorded."""
    rollout = policy.rollout
    if policy.mode is Mode.OBSERVE:
        return "the policy observes"
    if rollout is None:
        return "the policy enforces"
    if rollout.lists(authority):
        return "`enforce` names the site"
    if not rollout.share:
        return "`enforce` does not name the site"
    return (
        f"the site's bucket is {bucket(authority):,}, and {rollout.percent} percent are those below {rollout.share:,}"
    )


def of_site(policy: Policy, authority: str) -> dict[str, object]:
    """Whether a policy is enforced for one of its sites, for a program."""
    return {
        "authority": authority,
        "enforced": policy.enforces(authority),
        "bucket": bucket(authority),
        "why": why(policy, authority),
    }


def _who(clause: Clause) -> str:
    selectors = (
        ("crawler", sorted(clause.crawlers)),
        ("operator", sorted(clause.operators)),
        ("purpose", sorted(clause.purposes)),
        ("standing", sorted(clause.standings)),
        ("method", sorted(clause.methods)),
        ("path", [path.written for path in clause.paths]),
    )
    named = [f"{key} {' or '.join(words)}" for key, words in selectors if words]
    return ", ".join(named) or "every AI crawler"


def _does(clause: Clause) -> str:
    often = "" if clause.rate is None else f" {clause.rate}"
    return f"{_CLAUSE[clause.action]}{often}"


def _aside(clause: Clause) -> str:
    reason = f' - "{clause.reason}"' if clause.reason else ""
    return f"{reason} (only observed)" if clause.mode is Mode.OBSERVE else reason


def compiled(policy: Policy) -> dict[str, object]:
    """The policy with every default filled in, under the keys of the file."""
    return {
        **brief(policy),
        "enforce": _rollout(policy),
        "default": policy.default,
        "on_error": policy.on_error,
        "on_disallow": policy.on_disallow,
        "on_reservation": policy.on_reservation,
        "user_fetch_obeys": "everyone" if policy.user_fetch_obeys_everyone_group else "own-group",
        "contact": policy.contact,
        "terms": policy.terms,
        "license": policy.license,
        "license_server": policy.license_server,
        "tdm_policy": policy.tdm_policy,
        "tenant": policy.tenant,
        "evidence": {
            "required_for": sorted(policy.evidence_required_for),
            "private": policy.evidence_private,
            "retention_days": policy.retention_days,
        },
        "documents": {
            "from": policy.documents_from,
            "robots": policy.robots_file,
            "tdmrep": policy.tdmrep_file,
            "base": policy.robots_base,
            "sitemaps": list(policy.sitemaps),
        },
        "always_open": sorted(policy.always_open),
        "clauses": [_clause(clause) for clause in policy.clauses],
    }


def _rollout(policy: Policy) -> dict[str, object] | None:
    rollout = policy.rollout
    return None if rollout is None else {"sites": sorted(rollout.sites), "percent": rollout.share / 100}


def _clause(clause: Clause) -> dict[str, object]:
    return {
        "id": clause.id,
        "line": clause.place.line,
        "action": clause.action,
        "crawler": sorted(clause.crawlers),
        "operator": sorted(clause.operators),
        "purpose": sorted(clause.purposes),
        "standing": sorted(clause.standings),
        "path": [path.written for path in clause.paths],
        "method": sorted(clause.methods),
        "mode": clause.mode,
        "including_search": clause.including_search,
        "reason": clause.reason,
        "rate": "" if clause.rate is None else str(clause.rate),
    }


def brief(policy: Policy) -> dict[str, object]:
    """Which policy it is, whose, and whether it acts."""
    return {"file": policy.file, "digest": policy.digest, "sites": list(policy.sites), "mode": policy.mode}


def listed(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems, for a program."""
    return [{"file": each.file, "line": each.line, "text": each.text, "remedy": each.remedy} for each in problems]
