"""One RSL license out of its element: permits, prohibits, payment, reporting, legal (RSL 1.0).

Spellings of 0.9 (September 2025) are read and reported. Whom a token names in another standard's spelling is clear
enough to prohibit it, and not to permit it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from optout.signals.preference import SignalFault, excerpt
from optout.signals.rsl_model import (
    DISCLAIMERS,
    NAMESPACE,
    PAYMENTS,
    REPORTS,
    USAGES,
    USERS,
    WARRANTIES,
    RslFaultCode,
    RslLegal,
    RslLicense,
    RslPayment,
    RslReporting,
    RslTokens,
)
from optout.signals.rsl_xml import Element
from optout.signals.tdmrep import is_absolute_url

_CHILDREN: Mapping[str, frozenset[str]] = {
    "rsl": frozenset({"content"}),
    "content": frozenset({"license", "alternate", "schema", "copyright", "terms"}),
    "license": frozenset({"permits", "prohibits", "payment", "reporting", "legal"}),
    "payment": frozenset({"standard", "custom", "amount", "accepts"}),
}
_MOST_TOLD = 10  # unknown tokens of one list; the rest is as unknown
_SPACE = re.compile(r"[ \t\r\n]+")
_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Words of AIPREF, of Content Signals and of RSL's own drafts for the same use.
_MEANT = {"train-ai": "ai-train", "train-genai": "ai-train", "ai-use": "ai-input", "ai": "ai-all"}
_LEGAL_TOKENS = {"warranty": WARRANTIES, "disclaimer": DISCLAIMERS}
_LEGALS = frozenset({*_LEGAL_TOKENS, "attestation", "contact", "proof"})


class LicenseReading:
    """Reads licenses, and holds what has been wrong so far."""

    def __init__(self) -> None:
        self.faults: list[SignalFault] = []

    def fault(self, element: Element, code: RslFaultCode, text: str) -> None:
        """Notes a fault."""
        self.faults.append(SignalFault(line=element.line, code=code, text=text))

    def check_children(self, element: Element) -> None:
        """Notes what RSL has not inside this element; what is of another namespace is its owner's."""
        known = _CHILDREN.get(element.name, frozenset())
        for child in element.children:
            if child.space == NAMESPACE and child.name not in known:
                text = f"{excerpt(child.name)} is no element that RSL has in {element.name}"
                self.fault(child, RslFaultCode.UNKNOWN_ELEMENT, text)

    def only(self, element: Element, name: str) -> Element | None:
        """The child that there is at most once: the first."""
        found = list(element.all(NAMESPACE, name))
        if len(found) > 1:
            self.fault(found[1], RslFaultCode.DUPLICATE_ELEMENT, f"a second {name}, where there is at most one")
        for child in found:
            self.check_children(child)
        return found[0] if found else None

    def url(self, element: Element, name: str, written: str | None) -> str:
        """A URL that can be used; "" for any other."""
        if written is None or is_absolute_url(written) or (name == "custom" and _is_mail(written)):
            return written or ""
        self.fault(element, RslFaultCode.BAD_VALUE, f"{name} is no absolute http or https URL: not used")
        return ""

    def license(self, element: Element) -> RslLicense:
        """One license."""
        self.check_children(element)
        payment = self.only(element, "payment")
        return RslLicense(
            line=element.line,
            permits=tuple(self._token_lists(element, "permits")),
            prohibits=tuple(self._token_lists(element, "prohibits")),
            payment=self._payment(payment) if payment is not None else None,
            reporting=tuple(self._reporting(each) for each in element.all(NAMESPACE, "reporting")),
            legal=tuple(self._legal(each) for each in element.all(NAMESPACE, "legal")),
        )

    def _token_lists(self, element: Element, name: str) -> Iterator[RslTokens]:
        seen: set[str] = set()
        for each in element.all(NAMESPACE, name):
            self.check_children(each)
            kind = self._type(each, ("usage", "user", "geo"))
            if kind in seen:
                text = f"a second {name} of the type {excerpt(kind)}, where there is at most one"
                self.fault(each, RslFaultCode.DUPLICATE_ELEMENT, text)
            seen.add(kind)
            known = _KNOWN.get(kind)
            tokens = self._tokens(each, known, is_ban=name == "prohibits") if known is not None else ()
            yield RslTokens(line=each.line, type=kind, tokens=tuple(tokens))

    def _type(self, element: Element, known: Iterable[str]) -> str:
        kind = element.attributes.get("type", "")
        if kind not in known:
            text = f"{element.name} has no type that RSL knows: {excerpt(kind) or 'none'}"
            self.fault(element, RslFaultCode.BAD_TYPE, text)
        return kind

    def _tokens(self, element: Element, is_known: Callable[[str], bool], *, is_ban: bool) -> Iterator[str]:
        text = element.text
        if "," in text:
            self.fault(element, RslFaultCode.OLD_SPELLING, "commas between tokens, as in 0.9: blanks are meant")
            text = text.replace(",", " ")
        told = 0
        for token in filter(None, _SPACE.split(text)):
            prefix, colon, name = token.partition(":")
            if is_known(token):
                yield token
            elif not (colon and name and prefix and element.prefixes.get(prefix, NAMESPACE) != NAMESPACE):
                meant = _meant(token, is_known)
                hint = f"; was {meant} meant?" if meant else ""
                text = f"{excerpt(token)} is no token of {element.name}{hint}"
                if told < _MOST_TOLD:
                    self.fault(element, RslFaultCode.UNKNOWN_TOKEN, text)
                told += 1
                if meant and is_ban:
                    yield meant

    def _payment(self, element: Element) -> RslPayment:
        kind = element.attributes.get("type", "")
        if kind == "inference":
            self.fault(element, RslFaultCode.OLD_SPELLING, "the payment is called inference, as in 0.9: use is meant")
            kind = "use"
        else:
            self._type(element, PAYMENTS)
        amount = self.only(element, "amount")
        return RslPayment(
            line=element.line,
            type=kind,
            standard=self._urls(element, "standard"),
            custom=self._urls(element, "custom"),
            amount=self._amount(amount) if amount is not None else "",
            currency=amount.attributes.get("currency", "") if amount is not None else "",
            accepts=tuple(each.attributes.get("type", "") for each in element.all(NAMESPACE, "accepts")),
        )

    def _urls(self, element: Element, name: str) -> tuple[str, ...]:
        return tuple(self.url(each, name, each.text.strip()) for each in element.all(NAMESPACE, name))

    def _amount(self, element: Element) -> str:
        currency, text = element.attributes.get("currency", ""), element.text.strip()
        if currency == "XBT":
            self.fault(element, RslFaultCode.OLD_SPELLING, "the currency XBT, which 0.9 had, is no code of ISO 4217")
        elif not _CURRENCY.fullmatch(currency):
            self.fault(element, RslFaultCode.BAD_AMOUNT, "the currency is no code of ISO 4217")
        if not _AMOUNT.fullmatch(text):
            self.fault(element, RslFaultCode.BAD_AMOUNT, "the amount is no decimal number: not used")
            return ""
        return text

    def _reporting(self, element: Element) -> RslReporting:
        self.check_children(element)
        profile = element.attributes.get("profile", "")
        if not profile:
            self.fault(element, RslFaultCode.BAD_VALUE, "reporting without a profile: nobody knows what to report")
        endpoint = element.attributes.get("endpoint", "")
        return RslReporting(line=element.line, type=self._type(element, REPORTS), profile=profile, endpoint=endpoint)

    def _legal(self, element: Element) -> RslLegal:
        self.check_children(element)
        kind, text = self._type(element, _LEGALS), element.text.strip()
        if kind in _LEGAL_TOKENS:
            text = " ".join(self._tokens(element, _LEGAL_TOKENS[kind].__contains__, is_ban=False))
        elif kind == "attestation" and text not in ("true", "false"):
            self.fault(element, RslFaultCode.BAD_VALUE, "attestation is neither true nor false")
        return RslLegal(line=element.line, type=kind, text=text)


def _is_country(token: str) -> bool:
    return _COUNTRY.fullmatch(token) is not None  # EU is one of these in form


_KNOWN: Mapping[str, Callable[[str], bool]] = {
    "usage": USAGES.__contains__,
    "user": USERS.__contains__,
    "geo": _is_country,
}


def _meant(token: str, is_known: Callable[[str], bool]) -> str:
    """The token that was probably meant; "" where it is not clear."""
    small = token.lower()
    return next((each for each in (_MEANT.get(small, small), token.upper()) if is_known(each)), "")


_MAIL = re.compile(r"mailto:[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)


def _is_mail(text: str) -> bool:
    """Whether a text is the address of a mailbox as a URL (RFC 6068), without fields: a way to ask for a license."""
    return _MAIL.fullmatch(text) is not None
