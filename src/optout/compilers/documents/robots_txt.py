"""A policy as robots.txt: a group for each audience, with the signals that stand in groups (RFC 9309; Content Signals;
draft-ietf-aipref-attach-05, "Robots Exclusion Protocol Content-Usage Rule"; RSL 1.0, the License record).

The comment on Content-Signal is in words of our own: the record alone says neither what its words mean nor that a
"no" reserves rights, so whoever publishes it has to say so in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from optout.compilers.documents.audiences import Audience, Audiences
from optout.compilers.documents.uses import Uses, among
from optout.policy.model import Action
from optout.robots.model import Group, OtherRecord, RobotsTxt, Rule
from optout.robots.writer import write_robots
from optout.signals.aipref import LABELS
from optout.signals.content_signals import SIGNALS
from optout.signals.preference import Usage

_SIGNALS = """\
# What Content-Signal means (contentsignals.org):
#   search=yes|no    building a search index, showing links and short excerpts; no summaries made by AI
#   ai-input=yes|no  giving content to an AI model at the time of an answer, as grounding or retrieval does
#   ai-train=yes|no  training an AI model or fine-tuning it
# "yes" permits a use and "no" forbids it; of a use that is not named nothing is said, which is no permission.
# Each "no" is an express reservation of rights under Article 4 of Directive (EU) 2019/790.
# Content-Usage says the same in the words of the IETF's AIPREF drafts: "y" permits, "n" forbids.
"""


def robots_txt(
    found: Audiences, base: RobotsTxt, *, license_url: str, sitemaps: tuple[str, ...], made_from: str
) -> bytes:
    """The file's bytes. `made_from` names the policy in a comment; what is no group's in `base` stays."""
    licenses = {license_url: None} if license_url else {}
    licenses |= {record.value: None for record in base.others if record.key == "license"}
    others = [OtherRecord(line=0, key="license", value=url, group=None) for url in licenses]
    others += (record for record in base.others if record.group is None and record.key not in ("license", "sitemap"))
    sitemaps = tuple(dict.fromkeys((*sitemaps, *(each.value for each in base.others if each.key == "sitemap"))))
    groups = tuple(map(_group, found.groups))
    for number, audience in enumerate(found.groups):
        for key, value in (*_preferences(audience), *audience.others):
            others.append(
                OtherRecord(line=0, key=key, value=value, group=number, tokens=len(audience.tokens)),
            )
    has_signals = any(record.key == "content-signal" for record in others)
    others += (OtherRecord(line=0, key="sitemap", value=url, group=None) for url in sitemaps)
    head = f"# Made by Optout from {made_from}. Change the policy, not this file.\n"
    head += f"#\n{_SIGNALS}" if has_signals else ""
    return head.encode() + b"\n" + write_robots(RobotsTxt(groups=groups, others=tuple(others)))


def _group(audience: Audience) -> Group:
    rules = tuple(
        Rule(line=0, allow=line.allows, pattern=line.pattern, text=line.pattern.written)
        for line in audience.ordered.lines
    )
    return Group(line=0, tokens=audience.tokens, rules=rules)


def _preferences(audience: Audience) -> Iterator[tuple[str, str]]:
    for uses in among(audience.uses, SIGNALS.values()):
        yield "content-signal", _at(uses, ", ".join(content_signal(uses)))
    for uses in among(audience.uses, LABELS.values()):
        yield "content-usage", _at(uses, content_usage(uses))


def _at(uses: Uses, said: str) -> str:
    return said if uses.path == "/" else f"{uses.path} {said}"


def content_signal(uses: Uses) -> Iterator[str]:
    """The entries of a Content-Signal."""
    for key, usage in SIGNALS.items():
        if usage in uses.said:
            yield f"{key}={'yes' if _permits(uses, usage) else 'no'}"


def content_usage(uses: Uses) -> str:
    """A Content-Usage as a dictionary of RFC 9651; "" where nothing is said."""
    said = ((label, usage) for label, usage in LABELS.items() if usage in uses.said)
    return ", ".join(f"{label}={'y' if _permits(uses, usage) else 'n'}" for label, usage in said)


def _permits(uses: Uses, usage: Usage) -> bool:
    return uses.said[usage] is Action.ALLOW
