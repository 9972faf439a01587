"""The nouns of RSL 1.0 (Really Simple Licensing, December 2025): content, license, permits, prohibits, payment, legal.

The normative text could be read in excerpts only. Where these leave something open, the rooms that read and weigh say
which reading they take.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from optout.robots.model import PathPattern
from optout.signals.preference import SignalFault

NAMESPACE = "https://rslstandard.org/rsl"
MEDIA_TYPE = "application/rsl+xml"
MAX_AGE = 30  # days that a document holds where it does not say so itself

AI_ALL = ("ai-train", "ai-input", "ai-index")
"""What `ai-all` covers."""

USAGES = frozenset({"all", "ai-all", "search", *AI_ALL})
USERS = frozenset({"commercial", "non-commercial", "education", "government", "personal"})
PAYMENTS = frozenset("purchase subscription training crawl use contribution attribution free".split())
REPORTS = frozenset({"telemetry", "provenance", "audit"})
WARRANTIES = frozenset({"ownership", "authority", "no-infringement", "privacy-consent", "no-malware"})
DISCLAIMERS = frozenset({"as-is", "no-warranty", "no-liability", "no-indemnity"})


class RslFaultCode(StrEnum):
    """What can be wrong with an RSL document. Permanent; all since 0.1."""

    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many"
    NOT_UTF_8 = "not-utf-8"
    NOT_XML = "not-xml"
    DOCTYPE = "doctype"
    NOT_RSL = "not-rsl"
    UNKNOWN_ELEMENT = "unknown-element"
    DUPLICATE_ELEMENT = "duplicate-element"
    NO_CONTENT = "no-content"
    OUTSIDE_ITEM = "outside-item"
    BAD_URL = "bad-url"
    NO_LICENSE = "no-license"
    BAD_TYPE = "bad-type"
    UNKNOWN_TOKEN = "unknown-token"  # noqa: S105 - a word of a list
    OLD_SPELLING = "old-spelling"
    BAD_AMOUNT = "bad-amount"
    BAD_VALUE = "bad-value"
    ENCRYPTED_WITHOUT_SERVER = "encrypted-without-server"


MILD = frozenset(
    {
        RslFaultCode.NO_CONTENT,
        RslFaultCode.OUTSIDE_ITEM,
        RslFaultCode.UNKNOWN_TOKEN,
        RslFaultCode.OLD_SPELLING,
        RslFaultCode.BAD_AMOUNT,
        RslFaultCode.BAD_VALUE,
        RslFaultCode.ENCRYPTED_WITHOUT_SERVER,
    }
)
"""Faults that leave no doubt what the rest of the document permits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RslTokens:
    """One `permits` or `prohibits`: `type` is usage, user or geo (else as written), `tokens` those that are known."""

    line: int
    type: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RslPayment:
    """A `payment`. `standard` and `custom` are URLs, `amount` a decimal number or "", `accepts` media types."""

    line: int
    type: str
    standard: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    amount: str = ""
    currency: str = ""
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RslReporting:
    """A duty to report; whoever does not meet it has no license."""

    line: int
    type: str
    profile: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RslLegal:
    """What the owner warrants, disclaims or attests, a contact or a proof; `text` as written."""

    line: int
    type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RslLicense:
    """One `license`: an offer that stands for itself. Without a `payment` it is free."""

    line: int
    permits: tuple[RslTokens, ...] = ()
    prohibits: tuple[RslTokens, ...] = ()
    payment: RslPayment | None = None
    reporting: tuple[RslReporting, ...] = ()
    legal: tuple[RslLegal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RslCopyright:
    """Who holds the rights: `type` is person, organization or ""."""

    line: int
    type: str = ""
    email: str = ""
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RslContent:
    """One `content`: which URLs, and the licenses for them.

    `url` is as written. `authority` is that of an absolute URL, "" for a path. `server` is the license server's base
    URL; `needs_token` says that one is named, or the content encrypted, so that even a free license takes a token.
    """

    line: int
    url: str
    pattern: PathPattern
    authority: str = ""
    licenses: tuple[RslLicense, ...] = ()
    server: str = ""
    needs_token: bool = False
    is_encrypted: bool = False
    lastmod: str = ""
    alternates: tuple[tuple[str, str], ...] = ()
    schema: str = ""
    copyright: RslCopyright | None = None
    terms: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rsl:
    """An RSL document: its contents in file order, and all that is wrong with it. `max_age` is in days."""

    contents: tuple[RslContent, ...] = ()
    max_age: int = MAX_AGE
    faults: tuple[SignalFault, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether what it permits may be believed: in doubt a document still restricts, and permits nothing."""
        return all(fault.code in MILD for fault in self.faults)
