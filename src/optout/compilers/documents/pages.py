"""What a policy says in the answers themselves: header fields, and elements for the head of an HTML page.

Fields are the only way to speak of a picture (TDMRep, section "HTTP Headers"; RSL 1.0, the Link field;
draft-ietf-aipref-attach-05, "HTTP Content-Usage Header Field"). Each section names the paths for which it is meant,
and the first section that matches a path is the one for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

from optout.compilers.documents.ordered import EVERYWHERE, Line, canonical
from optout.compilers.documents.robots_txt import content_usage
from optout.compilers.documents.rsl import MEDIA_TYPE
from optout.compilers.documents.uses import Uses, among
from optout.policy.model import Action
from optout.robots.model import PathPattern
from optout.signals.aipref import LABELS
from optout.signals.preference import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The fields and elements for the pages and pictures whose paths `pattern` matches, and no earlier section's."""

    pattern: str
    fields: tuple[tuple[str, str], ...]
    elements: tuple[str, ...]


def sections(
    reserved: tuple[Line, ...], uses: tuple[Uses, ...], *, policy_url: str, license_url: str
) -> tuple[Section, ...]:
    """What to send with which paths, the first match first; nothing for paths of which nothing is said."""
    reserved = tuple(replace(line, pattern=canonical(line.pattern)) for line in reserved)
    told = among(uses, LABELS.values())
    patterns = [line.pattern for line in reserved]
    patterns += [PathPattern.parse(each.path) for each in sorted(told, key=lambda each: -len(each.path))]
    patterns.append(EVERYWHERE)
    literal = {pattern.octets: pattern for pattern in patterns if pattern.is_literal and not pattern.anchored}
    wild = {pattern.octets: pattern for pattern in patterns if pattern.octets not in literal}
    found: list[Section] = []
    for pattern in [*wild.values(), *sorted(literal.values(), key=lambda each: -each.priority)]:
        if pattern.octets in wild and any(line.allows for line in reserved if line.pattern.octets == pattern.octets):
            continue  # a field replaces the file's word: no permission where an earlier line of the file may refuse
        line = next((line for line in reserved if _covers(line.pattern, pattern)), None)
        said = next((each for each in reversed(told) if pattern.literal_prefix.startswith(each.path.encode())), None)
        fields = tuple(_fields(line, said, policy_url=policy_url, license_url=license_url))
        if fields:
            elements = tuple(_elements(line, said, policy_url=policy_url, license_url=license_url))
            found.append(Section(pattern=pattern.written, fields=fields, elements=elements))
    return tuple(found)


def _covers(line: PathPattern, pattern: PathPattern) -> bool:
    """Whether a line speaks for all that `pattern` matches."""
    return line.octets == pattern.octets or (
        line.is_literal and not line.anchored and pattern.literal_prefix.startswith(line.octets)
    )


def _fields(line: Line | None, said: Uses | None, *, policy_url: str, license_url: str) -> Iterator[tuple[str, str]]:
    if line is not None:
        yield "tdm-reservation", "0" if line.allows else "1"
        if policy_url and not line.allows:
            yield "tdm-policy", policy_url
    if license_url:
        yield "Link", f'<{license_url}>; rel="license"; type="{MEDIA_TYPE}"'
    if said is not None:
        yield "Content-Usage", content_usage(said)
        if _forbids_training(said):
            yield "X-Robots-Tag", "noai, noimageai"


def _elements(line: Line | None, said: Uses | None, *, policy_url: str, license_url: str) -> Iterator[str]:
    if line is not None:
        yield f'<meta name="tdm-reservation" content="{0 if line.allows else 1}">'
        if policy_url and not line.allows:
            yield f'<meta name="tdm-policy" content="{escape(policy_url)}">'
    if license_url:
        yield f'<link rel="license" type="{MEDIA_TYPE}" href="{escape(license_url)}">'
    if said is not None and _forbids_training(said):
        yield '<meta name="robots" content="noai, noimageai">'


def _forbids_training(said: Uses) -> bool:
    return said.said.get(Usage.TRAIN) in (Action.DENY, Action.REQUIRE_LICENSE)


def headers_txt(found: tuple[Section, ...]) -> bytes:
    """The fields as text, for whoever configures a server."""
    blocks = (f"# {each.pattern}\n" + "".join(f"{name}: {value}\n" for name, value in each.fields) for each in found)
    return "\n".join(blocks).encode()


def head_html(found: tuple[Section, ...]) -> bytes:
    """The elements as text, for whoever writes pages."""
    blocks = (
        f"<!-- {escape(each.pattern).replace('--', '- -')} -->\n" + "".join(f"{line}\n" for line in each.elements)
        for each in found
        if each.elements
    )
    return "\n".join(blocks).encode()
