"""The language of a report: the catalogs that translators know (gettext), in `report/locale`.

A sentence that a catalog does not have stays English. The words of the log itself (standings, actions, reason codes)
are never translated: they are what a program of somebody else's reads.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO

from optout.errors import UsageError

Say = Callable[[str], str]
"""Gives a sentence in the language of the report."""

DOMAIN = "optout"
LANGUAGES = ("en", "de")


def english(sentence: str) -> str:
    """The sentence as it stands in the code."""
    return sentence


def language(tag: str) -> Say:
    """The catalog of a language; raises UsageError for one that there is none of."""
    if tag not in LANGUAGES:
        raise UsageError(f"there is no catalog for {tag!r}", f"choose of {', '.join(LANGUAGES)}")
    if tag == "en":
        return english
    compiled = files("optout.report") / "locale" / tag / "LC_MESSAGES" / f"{DOMAIN}.mo"
    return gettext.GNUTranslations(BytesIO(compiled.read_bytes())).gettext
