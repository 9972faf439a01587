"""The maps of an nginx edge that say who asks: from two fields to a crawler's number, its class and its names.

Maps are lazy and looked up once a request. A person's user agent is compared with one expression for browsers as most
have them; if it is another, with those of the crawlers; and all that follows from "nobody" is found by its hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from optout.compilers.nginx.text import LONGEST_KEY, named, searched
from optout.compilers.plan import Plan
from optout.compilers.recognition import ORDINARY, glances, signers
from optout.compilers.recognition.pcre import pcre, usual
from optout.compilers.recognition.spelled_names import PCRE_UNITS, units_of
from optout.compilers.templates import Form, spelled

_LETTERS = "abcdefghijklmnopqrstuvwxyz"  # one for each rank, and there are fourteen ranks


def names(made: Plan, tag: str) -> Iterator[str]:
    """The maps, in the order in which they are asked. `tag` is in every variable's name.

    What stands for a crawler is the letter of its rank and its number: `b17`.
    """
    agent, signer, crawler = f"${tag}_agent", f"${tag}_signer", f"${tag}_crawler"
    agents: list[tuple[str, str]] = []
    looks: list[tuple[str, str]] = [(ORDINARY, "")]
    signing: list[tuple[str, str]] = []
    all_spellings: dict[str, str] = {}
    for place, group in enumerate(made.groups):
        letter = _LETTERS[place]
        spellings = {name: f"{letter}{at}" for (rank, name), at in made.names.items() if rank == place}
        all_spellings = spellings | all_spellings  # of two groups the more restricted, which comes first
        if group.spellings:
            yield _numbers(f"${tag}_name", f"${tag}_agent_{letter}", spellings)
            agents += [(each.found, f"${tag}_agent_{letter}") for each in pcre(group, capture=f"{tag}_name")]
        if group.signers:
            yield _numbers(f"${tag}_host", f"${tag}_signer_{letter}", spellings)
            signing.append((signers(group, capture=f"{tag}_host"), f"${tag}_signer_{letter}"))
    yield _numbers(f"${tag}_name", f"${tag}_agent_usual", all_spellings)
    looks += [(each.found, f"${tag}_agent_usual") for each in usual(made.groups, capture=f"{tag}_name")]
    yield searched("$http_user_agent", f"${tag}_looked_up", agents)
    looks += [(each, f"${tag}_looked_up") for each in glances(made.groups)]
    yield searched("$http_user_agent", agent if signing else crawler, looks, exact=[("", "")])
    if signing:  # hardly anybody signs, so that the field's absence is all that most are asked
        yield named("$http_signature_agent", crawler, [("", agent)], default=f"${tag}_signed")
        yield named(signer, f"${tag}_signed", [("", agent)], default=f"${tag}_either")
        yield searched("$http_signature_agent", signer, signing, exact=[("", "")])
        yield searched(f"{agent} {signer}", f"${tag}_either", _more_restricted(len(made.groups), agent, signer))


def _more_restricted(count: int, agent: str, signer: str) -> Iterator[tuple[str, str]]:
    """Of two crawlers the one of the more restricted group; the user agent's where both are alike."""
    for letter in _LETTERS[:count]:
        yield f"^{letter}", agent
        yield f" {letter}", signer


def _numbers(source: str, variable: str, spellings: Mapping[str, str]) -> str:
    """A map from names as they were sent. Any name with a typographic hyphen, three octets of UTF-8, is searched."""
    ascii_only = [pair for pair in spellings.items() if pair[0].isascii()]
    short = [pair for pair in ascii_only if len(pair[0]) <= LONGEST_KEY]
    rest = [
        (f"(?i)^{''.join(units_of(name, PCRE_UNITS))}$", value)
        for name, value in ascii_only
        if "-" in name or len(name) > LONGEST_KEY
    ]
    return searched(source, variable, rest, exact=short)


def keys(made: Plan) -> Iterator[tuple[str, int]]:
    """What stands for each crawler. One that sends names of several ranks is several here."""
    ranks = {at: place for (place, _), at in made.names.items()}
    for at in range(len(made.crawlers)):
        yield f"{_LETTERS[ranks[at]]}{at}", at


def told_names(made: Plan, tag: str) -> Iterator[str]:
    """The maps that bodies and log take a crawler's own words from."""
    crawler = f"${tag}_crawler"
    known = [(key, made.crawlers[at]) for key, at in keys(made)]
    for what in ("name", "operator"):
        texts = _texts(made, what)
        plain = ((key, literal(text, tag)) for (key, _), text in zip(known, texts, strict=True))
        yield named(crawler, f"${tag}_crawler_{what}", plain)
        if _are_plain(texts):
            continue
        for form in Form:
            pairs = ((key, spelled(text, form, but="$")) for (key, _), text in zip(known, texts, strict=True))
            yield named(crawler, f"${tag}_{what}_{form.value}", pairs)
    yield named(crawler, f"${tag}_hides_path", ((key, "1") for key, each in known if each.hides_path))


def told_name(made: Plan, tag: str, what: str, form: Form) -> str:
    """The variable with a crawler's name or operator as a body of this form spells it."""
    return f"{tag}_crawler_{what}" if _are_plain(_texts(made, what)) else f"{tag}_{what}_{form.value}"


def _texts(made: Plan, what: str) -> tuple[str, ...]:
    crawlers = [made.crawlers[at].crawler for _, at in keys(made)]
    return tuple(each.name if what == "name" else each.operator for each in crawlers)


@lru_cache(maxsize=8)
def _are_plain(texts: tuple[str, ...]) -> bool:
    """Whether text, JSON and HTML spell these alike, so that one look into one map does for all."""
    return all(spelled(text, form, but="$") == text for text in texts for form in Form)


def literal(text: str, tag: str) -> str:
    """Text as a value in which a `$` is a `$`; the file defines the variable that stands for one."""
    return text.replace("$", f"${{{tag}_dollar}}")
