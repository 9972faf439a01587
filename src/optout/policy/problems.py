"""What pydantic and `values` complain of, as problems with a line and a remedy (model-codebases.md part 1.14).

pydantic knows neither the line nor what the owner meant; this room adds both. Comparing words is the slow part, so
only the problems that are shown are put into words: the first hundred.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from optout.errors import Problem
from optout.policy.model import Place
from optout.policy.values import WrongValueError, shown
from optout.policy.yaml_positions import Document, KeyPath

MOST_SHOWN = 100

Forms = Mapping[tuple[str, ...], type[BaseModel]]
"""The form of each part of a file, by the keys that lead there."""

# What owners write, and the word of design part 6 for it.
_SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("block", "refuse", "forbid", "reject", "disallow", "ban", "no", "403"), "deny"),
    **dict.fromkeys(("permit", "accept", "pass", "yes", "200"), "allow"),
    **dict.fromkeys(("license", "licence", "require_license", "require-licence", "paid", "pay", "charge", "402"),
                    "require-license"),
    **dict.fromkeys(("robots", "robots.txt", "follow", "as-published"), "published"),
    **dict.fromkeys(("log", "monitor", "report", "dry-run", "test", "off", "audit"), "observe"),
    **dict.fromkeys(("on", "active", "live", "block-mode"), "enforce"),
    **dict.fromkeys(("training", "ai-train", "train-ai"), "train"),
    **dict.fromkeys(("index", "ai-search", "ai-input"), "search-index"),
    **dict.fromkeys(("user", "agent", "user-fetch/agent", "assistant"), "user-fetch"),
    **dict.fromkeys(("unknown", "other"), "undocumented"),
    **dict.fromkeys(("user-agent", "user_agent", "useragent", "agents", "crawlers", "bot", "bots"), "crawler"),
    **dict.fromkeys(("site", "host", "hosts", "domain", "domains"), "sites"),
    **dict.fromkeys(("rules", "rule", "clause"), "clauses"),
    **dict.fromkeys(("name",), "id"),
    **dict.fromkeys(("email", "mail"), "contact"),
}  # fmt: skip

# Keys that must be there, and what their absence means to an owner.
_MISSING: Mapping[str, str] = {
    "version": "add `version: 1`",
    "default": "say what an AI crawler is told if nothing else decides: `default: allow`",
    "on_error": "say what an AI crawler gets when Optout itself fails: `on_error: allow` (or refuse, a 503)",
    "action": "say what the clause does: allow, deny, require-license or published",
    "from": "say where the documents are read: `from: origin` or `from: files`",
}
_SHAPES: Mapping[str, tuple[str, str]] = {
    "string_type": ("where text is wanted", 'put it in "quotes"'),
    "bool_type": ("where true or false is wanted", "write true or false"),
    "int_parsing": ("where a number is wanted", "write digits only"),
    "tuple_type": ("where a list is wanted", "write items below each other, each after `- `"),
    "model_type": ("where keys and values are wanted", "write `key: value` lines, indented with blanks"),
}


class Findings:
    """The problems of one file, gathered in any order; beyond the first hundred they are only counted."""

    def __init__(self, document: Document, file: str, forms: Forms) -> None:
        self.document = document
        self.file = file
        self._forms = forms
        self.total = len(document.problems)
        self._shown = list(document.problems[:MOST_SHOWN])

    def add(self, path: KeyPath, text: str, remedy: str) -> None:
        """One problem with the value at `path`."""
        self.total += 1
        if len(self._shown) < MOST_SHOWN:
            line = self.document.line(path)
            self._shown.append(Problem(file=self.file, line=line, text=text, remedy=remedy))

    def add_validation(self, error: ValidationError, at: KeyPath = ()) -> None:
        """What a validation found; `at` is where the validated value stands."""
        label = _label(self.document, at)
        for each in error.errors(include_url=False):
            path = (*at, *each["loc"])
            if path in self.document.unread:
                continue
            if len(self._shown) < MOST_SHOWN:
                what, remedy = _words(each, path, self._forms)
                self.add(path, label + what, remedy)
            else:
                self.total += 1

    def place(self, path: KeyPath) -> Place:
        """Where the value at `path` stands."""
        return Place(file=self.file, line=self.document.line(path))

    def problems(self) -> tuple[Problem, ...]:
        """In the order of the file; then one that counts those left out."""
        found = sorted(self._shown, key=lambda problem: problem.line)
        if self.total > len(found):
            more = self.total - len(found)
            text = f"{more:,} more problem{'s' if more > 1 else ''}"
            found.append(Problem(file=self.file, line=0, text=text, remedy="mend these first"))
        return tuple(found)


def _label(document: Document, at: KeyPath) -> str:
    """Which item of a list a problem is in: `clause "no-training": `, or `clause 3: ` where it has no name."""
    if len(at) < 2 or not isinstance(document.data, dict):
        return ""
    listed, place = str(at[0]), int(at[1])
    item = document.data[listed][place]
    named = item.get("id") if isinstance(item, dict) else None
    which = f'"{shown(named)}"' if isinstance(named, str) and named else str(place + 1)
    return f"{listed.removesuffix('s')} {which}: "


def _words(error: ErrorDetails, path: KeyPath, forms: Forms) -> tuple[str, str]:
    kind, value = error["type"], error["input"]
    is_item = len(path) == 2 and isinstance(path[1], int) and (kind == "model_type" or isinstance(value, dict))
    key = "" if is_item else _last_key(path)
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, WrongValueError):
        remedy = did_you_mean(cause.value, cause.choices) or cause.remedy
        return (f"`{key}`: {cause.what}" if key else cause.what), remedy
    if kind == "extra_forbidden":
        known = _known_keys(path, forms)
        return f"unknown key `{shown(key)}`", did_you_mean(key, known) or f"the keys here are {', '.join(known)}"
    if kind == "missing":
        return f"`{key}` is missing", _MISSING.get(key, f"add `{key}:`")
    if value is None and key:
        return f"`{key}` has no value", "write one after the colon"
    if value is None:
        return "nothing stands here", "write it out, or delete the line"
    if kind in ("enum", "literal_error"):
        return _not_one_of(key, value, re.findall(r"'([^']*)'", str(context.get("expected", ""))))
    shape, remedy = _SHAPES.get(kind, (f"is not right ({error['msg']})", "see docs/policy.md"))
    return f"`{key}` has {shown(value)} {shape}" if key else f"{shown(value)} stands {shape}", remedy


def _last_key(path: KeyPath) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _not_one_of(key: str, value: object, choices: list[str]) -> tuple[str, str]:
    if value == "throttle":
        return f"`{key}`: throttle needs a rate, which only a clause has", "write a clause with `action: throttle`"
    if "control-token" in choices:
        choices.remove("control-token")
    remedy = did_you_mean(shown(value), choices) or "choose one of them"
    return f"`{key}` is `{shown(value)}`, which is not one of {', '.join(choices)}", remedy


def _known_keys(path: KeyPath, forms: Forms) -> list[str]:
    around = tuple(part for part in path[:-1] if isinstance(part, str))
    return [field.alias or name for name, field in forms[around].model_fields.items()]


def did_you_mean(word: str, choices: Collection[str]) -> str:
    """A question for the operator, or "" where nothing is near."""
    meant = _SYNONYMS.get(word.lower(), "")
    if meant not in choices:
        spellings = {choice.lower(): choice for choice in choices}
        near = get_close_matches(word.lower()[:64], spellings, n=1, cutoff=0.7)
        meant = spellings[near[0]] if near else ""
    return f"did you mean {meant}?" if meant else ""
