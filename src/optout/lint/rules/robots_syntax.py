"""RT1xx: lines that some readers lose or take otherwise (RFC 9309 section 2.2). Over 300 lines: it is a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from optout.lint.base import Found, RobotsSource, Rule, Severity, shown
from optout.robots.model import PathPattern

_RFC = "RFC 9309 section "
_GOOGLE_LINE, _YANDEX_LINE, _YANDEX_RULES = 2083 * 8, 1024, 2048
_MARK = b"\xef\xbb\xbf"
_VERSION = re.compile(r"[A-Za-z_-]+/[0-9.]+\Z")
_UNRESERVED_ESCAPE = re.compile(rb"%(?:2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE])")
_RULE_LINE = re.compile(rb"(?i)[ \t]*(?:allow|disallow)[ \t]*:")
_KEEP = "\"!$&'()*+,-./:;<=>?@[\\]^_`{|}~%"


def _rules(source: RobotsSource) -> Iterator[tuple[int, str, str]]:
    return ((line, key, value) for line, key, value in source.records if key in ("allow", "disallow"))


def _agents(source: RobotsSource) -> Iterator[tuple[int, str]]:
    return ((line, value) for line, key, value in source.records if key == "user-agent")


def _misspelled(source: RobotsSource) -> Iterator[Found]:
    return (found for found in source.faults("unknown-key") if "was " in found.text)


def _unknown(source: RobotsSource) -> Iterator[Found]:
    return (found for found in source.faults("unknown-key") if "was " not in found.text)


def _long_lines(source: RobotsSource) -> Iterator[Found]:
    for number, line in enumerate(source.lines, 1):
        if len(line) > _GOOGLE_LINE:
            yield Found(number, f"{len(line)} octets: Google reads the first {_GOOGLE_LINE}")
        elif len(line) > _YANDEX_LINE:
            yield Found(number, f"{len(line)} octets: Yandex reads lines of up to {_YANDEX_LINE}")


def _many_rules(source: RobotsSource) -> Iterator[Found]:
    count = sum(1 for _ in _rules(source))
    if count > _YANDEX_RULES:
        yield Found(0, f"{count} rules: Yandex reads {_YANDEX_RULES}")


def _odd_tokens(source: RobotsSource) -> Iterator[Found]:
    for line, value in _agents(source):
        fits = re.fullmatch(r"[A-Za-z_-]+|\*", value) is not None
        if not fits and "," not in value and not _VERSION.match(value):
            yield Found(line, f'"{shown(value)}" is outside the grammar: readers cut it at different places')


def _versions(source: RobotsSource) -> Iterator[Found]:
    for line, value in _agents(source):
        if _VERSION.match(value):
            yield Found(line, f'"{shown(value)}" names nobody; "{shown(value.partition("/")[0])}" does')


def _lists(source: RobotsSource) -> Iterator[Found]:
    for line, value in _agents(source):
        if "," in value:
            yield Found(line, "one line names one crawler: this one names nobody")


def _dollars(source: RobotsSource) -> Iterator[Found]:
    for line, _, value in _rules(source):
        if "$" in value[:-1]:
            yield Found(line, "a $ before the end is itself here; Python's new parser drops the rule")


def _bare(source: RobotsSource) -> Iterator[Found]:
    for line, _, value in _rules(source):
        if any(not "!" <= char <= "~" for char in value):
            yield Found(line, "a blank or a character outside ASCII stands in the pattern as it is")


def _escaped_letters(source: RobotsSource) -> Iterator[Found]:
    for line, _, value in _rules(source):
        if _UNRESERVED_ESCAPE.search(value.encode("utf-8", "surrogateescape")):
            yield Found(line, "an escape stands for a letter, digit, -, ., _ or ~: Google does not decode it")


def _escaped_slashes(source: RobotsSource) -> Iterator[Found]:
    for line, _, value in _rules(source):
        if "%2f" in value.lower():
            yield Found(line, "%2F is not / to most readers, and is to Python's")


def _on_rules(data: bytes, change: re.Pattern[bytes], form: Callable[[re.Match[bytes]], bytes]) -> bytes:
    """The file with `change` made in the values of its rules and nowhere else."""
    lines = []
    for line in data.splitlines(keepends=True):
        head = _RULE_LINE.match(line)
        if head is not None:
            body, mark, comment = line[head.end() :].partition(b"#")
            changed = change.sub(form, body)
            # Decoding may complete an escape that was broken: %%36%31 is no %61, but becomes one.
            lines.append(head[0] + (changed if _compared(changed) == _compared(body) else body) + mark + comment)
        else:
            lines.append(line)
    return b"".join(lines)


def _compared(value: bytes) -> bytes:
    """The form in which a pattern is compared."""
    return PathPattern.parse(value.strip(b" \t\r\n").decode("utf-8", "surrogateescape")).octets


def _escape_bare(data: bytes) -> bytes:
    return _on_rules(data, re.compile(rb"[\x80-\xff]"), lambda found: b"%%%02X" % found[0][0])


def _decode_letters(data: bytes) -> bytes:
    return _on_rules(data, _UNRESERVED_ESCAPE, lambda found: bytes([int(found[0][1:], 16)]))


def _without_mark(data: bytes) -> bytes:
    return data.removeprefix(_MARK)


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

SYNTAX: tuple[Rule[RobotsSource], ...] = (
    Rule(
        code="RT101",
        severity=_E,
        title="the file is longer than readers read",
        why="A crawler must read 500 KiB and may ignore the rest; Google and Optout cut there. Rules behind "
        "it do not exist.",
        example="a file of 600,000 octets",
        instead="fewer rules with patterns; a rule for a directory instead of one for each page",
        reference=_RFC + "2.5",
        check=lambda source: source.faults("file-too-long"),
    ),
    Rule(
        code="RT102",
        severity=_W,
        title="a byte order mark opens the file",
        why="Python's and Scrapy's parsers take it for a part of the first line, which is then lost: with it"
        " the first group.",
        example="\\ufeffUser-agent: GPTBot",
        instead="User-agent: GPTBot",
        reference="tests/spec/test_rfc9309.py, row 21",
        check=lambda source: source.faults("byte-order-mark"),
        fix=_without_mark,
    ),
    Rule(
        code="RT103",
        severity=_W,
        title="a control character stands in the line",
        why="Readers treat it in different ways, and a person who looks at the file does not see it.",
        example="Disallow: /a\\x00",
        instead="Disallow: /a",
        reference=_RFC + "2.2",
        check=lambda source: source.faults("control-character"),
    ),
    Rule(
        code="RT104",
        severity=_W,
        title="the line is not UTF-8",
        why="The file is to be UTF-8; other octets are compared as they are by some readers and replaced by others.",
        example="Disallow: /caf\\xe9",
        instead="Disallow: /caf%C3%A9",
        reference=_RFC + "2.3",
        check=lambda source: source.faults("invalid-utf-8"),
    ),
    Rule(
        code="RT105",
        severity=_W,
        title="the line has no colon",
        why="Most readers ignore it. Google takes two words for a key and its value, so it reads another "
        "file than the rest.",
        example="Disallow /drafts/",
        instead="Disallow: /drafts/",
        reference="tests/spec/test_rfc9309.py, row 37",
        check=lambda source: source.faults("missing-colon"),
    ),
    Rule(
        code="RT106",
        severity=_E,
        title="a key is misspelled",
        why="Google and Scrapy guess what was meant, everybody else ignores the line: the rule holds for "
        "some crawlers only.",
        example="Disalow: /drafts/",
        instead="Disallow: /drafts/",
        reference="tests/spec/test_rfc9309.py, row 36",
        check=_misspelled,
    ),
    Rule(
        code="RT107",
        severity=_N,
        title="no reader that we know of knows this key",
        why="The line says nothing to anybody. If it was to protect something, nothing protects it.",
        example="No-AI: /",
        instead="a rule, or a signal that is read: Content-Usage, Content-Signal, tdmrep.json",
        reference=_RFC + "2.2.4",
        check=_unknown,
    ),
    Rule(
        code="RT108",
        severity=_W,
        title="a name is outside the grammar of product tokens",
        why="Only letters, - and _ are allowed. Google cuts the name at the first other character, others "
        "compare it whole.",
        example="User-agent: AI2Bot",
        instead="keep it if the crawler is really called so, and know that Google's reader takes it for AI",
        reference=_RFC + "2.2.1; tests/spec/test_rfc9309.py, row 31",
        check=_odd_tokens,
    ),
    Rule(
        code="RT109",
        severity=_E,
        title="a name carries a version",
        why="A product token has none. The group binds nobody but for Google's reader, which cuts the version off.",
        example="User-agent: FooBot/2.1",
        instead="User-agent: FooBot",
        reference="tests/spec/test_rfc9309.py, row 35",
        check=_versions,
    ),
    Rule(
        code="RT110",
        severity=_E,
        title="several names stand in one line",
        why="A list with commas is not part of the protocol: the group binds none of them.",
        example="User-agent: GPTBot, CCBot",
        instead="User-agent: GPTBot\nUser-agent: CCBot",
        reference="RFC 9309 erratum 8895; tests/spec/test_rfc9309.py, row 34",
        check=_lists,
    ),
    Rule(
        code="RT111",
        severity=_E,
        title="a pattern begins with neither / nor *",
        why="Paths begin with a slash, so the rule matches nothing.",
        example="Disallow: private/",
        instead="Disallow: /private/",
        reference=_RFC + "2.2.2; tests/spec/test_rfc9309.py, row 29",
        check=lambda source: source.faults("pattern-without-slash"),
    ),
    Rule(
        code="RT112",
        severity=_W,
        title="a $ stands inside a pattern",
        why="It means the end of the URL only as the last character. Elsewhere it is itself, and one reader "
        "drops the rule.",
        example="Disallow: /a$b",
        instead="Disallow: /a%24b",
        reference=_RFC + "2.2.3; tests/spec/test_rfc9309.py, row 27",
        check=_dollars,
    ),
    Rule(
        code="RT113",
        severity=_N,
        title="a pattern has characters that URLs never carry bare",
        why="Readers should escape them before they compare; not every one does. Google recommends to escape"
        " them (October 2026).",
        example="Disallow: /caf\u00e9/",
        instead="Disallow: /caf%C3%A9/",
        reference=_RFC + "2.2.2",
        check=_bare,
        fix=_escape_bare,
    ),
    Rule(
        code="RT114",
        severity=_W,
        title="a % is not followed by two hex digits",
        why="It is compared as it is written, and a URL that was escaped properly never matches it.",
        example="Disallow: /100%/",
        instead="Disallow: /100%25/",
        reference=_RFC + "2.2.2",
        check=lambda source: source.faults("malformed-escape"),
    ),
    Rule(
        code="RT115",
        severity=_W,
        title="a character is escaped that needs no escape",
        why="The standard decodes it before comparing, Google's library does not: the rule is another one there.",
        example="Disallow: /%62%61%7A",
        instead="Disallow: /baz",
        reference="tests/spec/test_rfc9309.py, row 25",
        check=_escaped_letters,
        fix=_decode_letters,
    ),
    Rule(
        code="RT116",
        severity=_N,
        title="an escaped slash stands in a pattern",
        why="%2F and / are two things to the standard and one to Python's parsers.",
        example="Disallow: /a%2Fb",
        instead="a pattern that does not depend on it, as /a*b",
        reference="tests/spec/test_rfc9309.py, row 26",
        check=_escaped_slashes,
    ),
    Rule(
        code="RT117",
        severity=_W,
        title="a line is longer than some reader reads",
        why="What is behind the limit is dropped, and with it the end of the pattern: the rule becomes a wider one.",
        example="Disallow: / and 17,000 further characters",
        instead="a shorter pattern",
        reference="google/robotstxt; Yandex' documentation",
        check=_long_lines,
    ),
    Rule(
        code="RT118",
        severity=_N,
        title="there are more rules than some reader reads",
        why="Yandex reads 2,048 rules; those behind them do not exist for it.",
        example="2,100 rules",
        instead="patterns that cover several pages",
        reference="Yandex' documentation",
        check=_many_rules,
    ),
)
