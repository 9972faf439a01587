"""The registry's files: YAML, one file per operator, every fact with its source and the date it was read.

    operator: Example Corp
    crawlers:
    - name: ExampleBot
      purposes: [train]                 # the governing one first
      tokens:                           # what travels in the user agent; see `tokens.Token`
      - ExampleBot
      - {text: exbot-, match: prefix}
      sources:
      - {facts: [tokens, purposes], text: "https://example.com/bot", date: 2026-11-24}

`load_entries` refuses what it does not know: an unknown key, a key that stands twice, a fact without a source.
The entries of all files compile to one JSON document, which starts fast and whose SHA-256 names the data in records.
"""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import msgspec
import yaml

from optout.crawlers.model import Crawler, Honors, Purpose, Source
from optout.crawlers.tokens import Match, Token
from optout.errors import RegistryError


class TokenForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A token as written. `purposes` and `robots_tokens` replace the entry's where an operator sends two names."""

    text: str
    match: Match = Match.WORD
    exact_case: bool = False
    unless: str = ""
    purposes: tuple[Purpose, ...] = ()
    robots_tokens: tuple[str, ...] = ()

    @property
    def token(self) -> Token:
        """What the finder looks for."""
        return Token(text=self.text, match=self.match, exact_case=self.exact_case, unless=self.unless)


class SourceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the named facts of an entry come from, and the day they were read there."""

    facts: tuple[str, ...]
    text: str
    date: datetime.date


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One crawler as written, before it is checked against the others. `operator` "" means the file's."""

    name: str
    purposes: tuple[Purpose, ...]
    sources: tuple[SourceForm, ...]
    operator: str = ""
    tokens: tuple[str | TokenForm, ...] = ()
    robots_tokens: tuple[str, ...] = ()
    honors_robots: Honors = Honors.UNKNOWN
    signature_agents: tuple[str, ...] = ()
    address_list: str = ""
    also_listed: tuple[str, ...] = ()
    address_list_complete: bool = False
    runs_locally: bool = False
    rdns_suffixes: tuple[str, ...] = ()
    governed_by: str = ""
    docs: str = ""
    notes: str = ""
    examples: tuple[str, ...] = ()
    file: str = ""

    @property
    def token_forms(self) -> tuple[TokenForm, ...]:
        """The tokens, each in its long form."""
        return tuple(TokenForm(text=each) if isinstance(each, str) else each for each in self.tokens)

    @property
    def crawler(self) -> Crawler:
        """The entry as the rest of the house knows it."""
        return Crawler(
            name=self.name,
            operator=self.operator,
            purposes=self.purposes,
            robots_tokens=self.robots_tokens,
            honors_robots=self.honors_robots,
            tokens=tuple(form.text for form in self.token_forms),
            signature_agents=self.signature_agents,
            address_list=self.address_list,
            also_listed=self.also_listed,
            address_list_complete=self.address_list_complete,
            runs_locally=self.runs_locally,
            rdns_suffixes=self.rdns_suffixes,
            docs=self.docs,
            notes=self.notes,
            examples=self.examples,
            sources=tuple(
                Source(text=each.text, date=each.date.isoformat(), facts=each.facts) for each in self.sources
            ),
            governed_by=self.governed_by,
            file=self.file,
        )


FACTS = (
    "purposes",
    "tokens",
    "robots_tokens",
    "honors_robots",
    "signature_agents",
    "address_list",
    "also_listed",
    "address_list_complete",
    "runs_locally",
    "rdns_suffixes",
    "governed_by",
)
"""The keys that state something about the world and therefore need a source."""


def load_entries(files: Mapping[str, bytes]) -> tuple[Entry, ...]:
    """Every entry of `files` (name to bytes), in the order of file names; `RegistryError` for the first fault."""
    entries = tuple(entry for file in sorted(files) for entry in _file(file, files[file]))
    _check_together(entries)
    return entries


def load_more(known: tuple[Entry, ...], files: Mapping[str, bytes]) -> tuple[Entry, ...]:
    """The entries of `files`, which are added to `known` ones; as `load_entries`."""
    entries = tuple(entry for file in sorted(files) for entry in _file(file, files[file]))
    _check_together((*known, *entries))
    return entries


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """The entries as one JSON document, a line each: the same entries always give the same bytes."""
    lines = b",\n".join(msgspec.json.encode(entry) for entry in entries)
    return b"[\n" + lines + b"\n]\n"


def decode_entries(document: bytes) -> tuple[Entry, ...]:
    """The entries of a document that `encode_entries` made; `RegistryError` for anything else."""
    try:
        return msgspec.json.decode(document, type=tuple[Entry, ...])
    except msgspec.MsgspecError as fault:
        raise RegistryError(
            f"the compiled registry cannot be read: {fault}", "Run `python -m optout.crawlers.compile`."
        ) from fault


class _File(msgspec.Struct, forbid_unknown_fields=True):
    crawlers: list[dict[str, Any]]
    operator: str = ""


def _file(file: str, data: bytes) -> Iterable[Entry]:
    try:
        content = msgspec.convert(yaml.load(data, Loader=_StrictLoader), _File)  # noqa: S506  a CSafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as fault:  # ValueError: no UTF-8, or the 30th of February
        raise RegistryError(f"{file}: not readable as YAML: {fault}", "Mend the file.") from fault
    except msgspec.ValidationError as fault:
        raise RegistryError(f"{file}: {fault}", "A file holds `operator` and `crawlers`.") from fault
    for number, form in enumerate(content.crawlers, start=1):
        name = str(form.get("name", f"entry {number}"))
        try:
            entry = msgspec.convert({"operator": content.operator, **form, "file": file}, Entry)
        except msgspec.ValidationError as fault:
            raise _wrong(file, name, str(fault)) from fault
        _check(entry)
        yield entry


def _wrong(file: str, name: str, what: str) -> RegistryError:
    return RegistryError(f"{file}: {name}: {what}", "docs/crawlers.md describes the keys.")


def _check(entry: Entry) -> None:
    """What can be said of an entry alone."""
    sourced = {fact for source in entry.sources for fact in source.facts}
    faults = {
        "purposes is empty": not entry.purposes,
        "nobody operates it: neither it nor its file has `operator`": not entry.operator,
        "a source without text": any(not source.text.strip() for source in entry.sources),
        f"a source for an unknown fact: {', '.join(sorted(sourced.difference(FACTS)))}": sourced.difference(FACTS),
        "an address list is at no https address": any(
            not url.startswith("https://") for url in (entry.address_list, *entry.also_listed) if url
        ),
        "also_listed without an address_list": entry.also_listed and not entry.address_list,
        "address_list_complete without an address_list": entry.address_list_complete and not entry.address_list,
        "a list is not complete for what people run on their own computers": (
            entry.address_list_complete and entry.runs_locally
        ),
        "a name that anybody can have in a cloud or an access network proves nothing": any(
            f".{suffix.strip('.').lower()}".endswith(_RENTED) for suffix in entry.rdns_suffixes
        ),
        "a suffix is no domain with a dot before it": any(
            not suffix.startswith(".") or suffix.count(".") < 2 or not suffix.isascii()
            for suffix in entry.rdns_suffixes
        ),
        "a token of less than three characters": any(len(form.text) < 3 for form in entry.token_forms),
        "a token that is not ASCII": any(not form.text.isascii() for form in entry.token_forms),
        "a control token travels in no user agent and is governed by another crawler": (
            Purpose.CONTROL_TOKEN in entry.purposes and (entry.tokens or not entry.governed_by)
        ),
    }
    for fact in FACTS:
        value = getattr(entry, fact)
        faults[f"{fact} has no source"] = bool(value) and value is not Honors.UNKNOWN and fact not in sourced
    for what, is_so in faults.items():
        if is_so:
            raise _wrong(entry.file, entry.name, what)


_RENTED = (
    *(".amazonaws.com", ".googleusercontent.com", ".cloudapp.net", ".azure.com", ".cloudapp.azure.com"),
    *(".linodeusercontent.com", ".vultrusercontent.com", ".your-server.de", ".clients.your-server.de", ".ovh.net"),
    *(".oraclecloud.com", ".digitalocean.com", ".hetzner.com", ".contaboserver.net", ".fastly.net", ".cloudfront.net"),
)
"""Below these, whoever rents a machine has a name that leads back to it."""


def _check_together(entries: tuple[Entry, ...]) -> None:
    """What only all entries show: names, tokens and signers that two of them claim."""
    claimed: dict[Hashable, Entry] = {}
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.governed_by and entry.governed_by not in names:
            raise _wrong(entry.file, entry.name, f"governed_by names no crawler: {entry.governed_by}")
        named = (entry.name, *entry.name.split(" / "), *entry.robots_tokens[:1])  # what a policy may call it
        marks: list[tuple[Hashable, str]] = [(("name", name), name) for name in {each.lower() for each in named}]
        for form in entry.token_forms:
            spelling = form.text if form.exact_case else form.text.lower()
            marks.append((("token", spelling, form.match), form.text))
        marks += [(("signer", host), host) for host in entry.signature_agents]
        for mark, text in marks:
            if mark in claimed:
                other = claimed[mark]
                raise _wrong(entry.file, entry.name, f"{text!r} is claimed by {other.name} in {other.file}, too")
            claimed[mark] = entry


class _StrictLoader(yaml.CSafeLoader):
    """YAML in which a key that stands twice is an error instead of a silent choice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of `node`; raises where two keys are the same."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)
