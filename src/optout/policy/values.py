"""What a single value of a policy file may be: authorities, URLs, a contact, names, sentences (design part 5.10).

Each function returns the value in the form that the compiled policy uses, or raises `WrongValueError` with what is
wrong and what to do. Rule: whatever passes here may stand in a header field, a log line and a page as it is, because
on a host of many sites the tenants write policies: no control characters (field injection, RFC 9110 section 5.5), no
credentials, no quotes or angle brackets in URLs.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from optout.messages import parse_authority

_LONGEST_URL = 2048  # what common clients and servers take
_LONGEST_MAILBOX = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_LONGEST_DOCUMENT = 32_000  # each of some hundred crawlers is asked what each of its rules says
_LONGEST_TEXT = 500  # a reason is a sentence, not a page
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class WrongValueError(ValueError):
    """A value that cannot stand in a policy. It never leaves this package: it becomes a `Problem`.

    `choices`, if any, are what `value` may have been meant to be; they are compared only for the problems that are
    shown, because comparing is the slow part of a hostile file.
    """

    def __init__(self, what: str, remedy: str, *, value: str = "", choices: Collection[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.value = value
        self.choices = choices


def shown(value: object, limit: int = 60) -> str:
    """A value of the file inside an error message: on one line, visible, short."""
    match value:
        case None:
            return "nothing"
        case str():
            text = value
        case dict():
            return "keys and values"
        case list() | tuple():
            return "a list"
        case _:
            text = str(value)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


def site(text: str) -> str:
    """An authority as the policy set is searched by: `example.org`, `example.org:8080`, `*.example.org`, or `*`."""
    if text == "*":
        return text
    if "/" in text or "@" in text:
        raise WrongValueError(f"`{shown(text)}` is more than a host name", "write only the name, such as example.org")
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    found = parse_authority(name, "https") if "*" not in name else None
    if found is None or "" in found.split(".") or not name.isprintable() or (star and ":" in found):
        raise WrongValueError(
            f"`{shown(text)}` is not the name of a site",
            "write example.org, example.org:8080, *.example.org (every name below it), or * (every site)",
        )
    return star + found.removesuffix(":80")


# The characters of RFC 3986 section 2, with whole percent-escapes.
_URL_REST = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*\Z", re.ASCII)
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?")
_CONFUSING = re.compile(r"//|/\.\.?(?:/|\Z)|;|%2[EeFf]|%5[Cc]")


def url(text: str) -> str:
    """An absolute http or https URL, or a path on the site itself; fit for a header field and a link."""
    _check_url_characters(text)
    if text.startswith("/") and not text.startswith("//"):
        return text
    parts = _ABSOLUTE.match(text)
    if parts is None:
        raise WrongValueError(
            f"`{shown(text)}` is not a web address", "begin with https://, or with / for a page of the site itself"
        )
    scheme, authority = parts.group(1, 2)
    if "@" in authority:
        # Whoever is refused reads this URL.
        raise WrongValueError("the address holds a user name or password", "take out everything before the @")
    if parse_authority(authority, scheme) is None:
        raise WrongValueError(f"`{shown(text)}` names no host", "write https://example.org/page")
    return text


def absolute_url(text: str) -> str:
    """An absolute http or https URL, as the Sitemap record of robots.txt needs it."""
    if url(text).startswith("/"):
        raise WrongValueError(f"`{shown(text)}` is not an absolute address", "begin with https://")
    return text


def secure_url(text: str) -> str:
    """An absolute https URL: what TDMRep's `tdm-policy` and the agents that read it elsewhere need."""
    if not url(text).startswith("https://"):
        raise WrongValueError(f"`{shown(text)}` is not an absolute https address", "write https://example.org/page")
    return text


def server_url(text: str) -> str:
    """A license server's base URL. Tokens travel to it, so plain http is for this machine only."""
    found = url(text)
    if found.startswith("http://") and _host(found) not in _LOOPBACK:
        raise WrongValueError(f"`{shown(text)}` would carry license tokens in the clear", "begin with https://")
    return found


_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z", re.ASCII)


def contact(text: str) -> str:
    """Where a refused person or a buyer writes: an e-mail address (returned as `mailto:`) or a URL."""
    mailbox = text.removeprefix("mailto:")
    if len(mailbox) <= _LONGEST_MAILBOX and _MAILBOX.match(mailbox):
        return f"mailto:{mailbox}"
    if not text.startswith(("/", "http://", "https://")):
        what = f"`{shown(text)}` is neither an e-mail address nor a web address"
        raise WrongValueError(what, "write name@example.org, or begin with https://")
    return url(text)


def _check_url_characters(text: str) -> None:
    if len(text) > _LONGEST_URL:
        raise WrongValueError(f"the address has {len(text):,} characters", f"use at most {_LONGEST_URL:,}")
    if not _URL_REST.match(text):
        raise WrongValueError(
            f"`{shown(text)}` holds a character that no address may hold",
            "write blanks as %20 and letters beyond ASCII percent-encoded",
        )


def own_path(address: str, sites: tuple[str, ...]) -> str | None:
    """The path of `address` if it lies on one of `sites`, with its query; None if it lies elsewhere.

    Where the policy is for every site, a URL on a named host counts as the site's own: opening a path too many is
    the smaller harm than refusing one's own terms.
    """
    if address.startswith("/"):
        return address.partition("#")[0]
    parts = _ABSOLUTE.match(address)
    if parts is None:
        return None
    scheme, authority, path, query = parts.groups(default="")
    name, host = parse_authority(authority, scheme), _host(address)
    for each in sites:
        if each in ("*", name, host) or (each.startswith("*.") and host.endswith(each[1:])):
            return (path or "/") + query
    return None


def _host(address: str) -> str:
    """The host of an absolute URL, without its port."""
    parts = _ABSOLUTE.match(address)
    name = parse_authority(parts.group(2), parts.group(1)) if parts is not None else None
    return re.sub(r":[0-9]+\Z", "", name or "")


def is_plain_path(path: str) -> bool:
    """Whether every server reads `path` alike and it can stay open by exact comparison."""
    return path != "/" and "?" not in path and _CONFUSING.search(path) is None


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", re.ASCII)
# The steps that decide where no clause does; they share a field of the record with clause names (design part 6).
_STEPS = frozenset({"robots.txt", "reservation", "default", "always-open", "grant", "malformed-target", "fault"})


def name(text: str) -> str:
    """A clause's id or a tenant: it stands in records, commands and file names."""
    if not _NAME.match(text):
        raise WrongValueError(
            f"`{shown(text)}` cannot be a name", "use up to 64 letters, digits, dots, dashes and underscores"
        )
    return text


def clause_id(text: str) -> str:
    """A clause's id: a name that no built-in step of the order of access has."""
    if text in _STEPS:
        raise WrongValueError(f"`{text}` is the name of a step of Optout's own", "choose another id")
    return name(text)


def sentence(text: str) -> str:
    """One line of words for people."""
    if not text.isprintable():
        raise WrongValueError("the text holds a line break or an invisible character", "keep it on one line")
    if len(text) > _LONGEST_TEXT:
        raise WrongValueError(f"the text has {len(text):,} characters", f"use at most {_LONGEST_TEXT}")
    return text


_RATE = re.compile(r"([1-9][0-9]{0,5})\s*/\s*(second|minute|hour|day)\Z", re.ASCII)


def rate(text: str) -> str:
    """How often whoever is let in may come, `60/minute`."""
    found = _RATE.match(text)
    if found is None:
        raise WrongValueError(
            f"`{shown(text)}` is no rate", "write up to 999999 requests a second, minute, hour or day: 60/minute"
        )
    return f"{found[1]}/{found[2]}"


_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?\Z", re.ASCII)


def share(text: object) -> object:
    """A share of sites in hundredths of a percent. Two decimals are what a bucket of a rollout can tell apart."""
    if not isinstance(text, str):
        return text
    found = _PERCENT.match(text)
    hundredths = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found is not None else -1
    if not 0 <= hundredths <= 10_000:
        raise WrongValueError(f"`{shown(text)}` is no share", "write a number from 0 to 100, such as 5 or 12.5")
    return hundredths


def document_text(text: str) -> str:
    """A document inside a policy; whoever parses it bears with what it holds."""
    if len(text) > _LONGEST_DOCUMENT:
        raise WrongValueError(f"the text has {len(text):,} characters", f"use at most {_LONGEST_DOCUMENT:,}")
    return text


def file_path(text: str) -> str:
    """A path on this machine; it is opened by the door, never here."""
    if not text or not text.isprintable():
        raise WrongValueError("this is not the name of a file", "write a path such as /var/www/robots.txt")
    return text


def path_pattern_text(text: str) -> str:
    """A path pattern as in robots.txt (RFC 9309 section 2.2.3), as written."""
    if not text.startswith(("/", "*")):
        raise WrongValueError(f"`{shown(text)}` matches nothing", "begin a path with /, or with * for any")
    if "#" in text or not text.isprintable():
        raise WrongValueError(f"`{shown(text)}` holds a character that no path has", "write # as %23")
    if len(text) > _LONGEST_URL:
        raise WrongValueError(f"the path has {len(text):,} characters", f"use at most {_LONGEST_URL:,}")
    return text
