"""YAML (1.1, a plain subset) as values that remember their lines, for errors that name a place (design part 5.10).

What a policy never needs is refused rather than understood: aliases and anchors (exponential growth), tags (object
construction), several documents, keys that are no words, duplicate keys (two readers keep different ones), invisible
characters. Events of PyYAML's safe loader are read one by one without recursion, so depth is refused before it
costs anything. libyaml is used where PyYAML has it; it is about twenty times faster and gives the same tree.

Values stay the text that the owner wrote, and the schema says what a text means: in YAML 1.1 `mode: on` is a truth
value, `1:30` a number and `2026-13-45` an error. Only an absent value (`key:`, `~`, `null`) is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import yaml

from optout.errors import Problem
from optout.policy.yaml_syntax import LINE_END, syntax_problem

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys and positions from the root, for example `("clauses", 0, "action")`."""

MAX_BYTES = 1 << 20  # a host with a thousand clauses a site needs a tenth of it
MAX_DEPTH = 12  # a policy needs 4
FAST_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file holds, as dict, list, str and None; and the line of every key and item.

    `unread` are the places whose value was refused (an alias) and stands as None. `complete` is False where
    reading stopped early; `data` then holds what stood before. `is_plain` says that keys begin the lines of the file:
    its root is a mapping in block style, without indentation.
    """

    data: object
    lines: Mapping[KeyPath, int]
    unread: frozenset[KeyPath]
    problems: tuple[Problem, ...]
    complete: bool
    is_plain: bool

    def line(self, path: KeyPath) -> int:
        """The line of the value at `path`, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            found = self.lines.get(path[:length])
            if found is not None:
                return found
        return 0


def parse_yaml(data: bytes, file: str, loader: type[yaml.SafeLoader] = FAST_LOADER) -> Document:
    """A YAML file of the operator's own as a `Document`. Never raises; what is wrong is in `problems`."""
    text = decode(data, file)
    if isinstance(text, Problem):
        return Document(data=None, lines={}, unread=frozenset(), problems=(text,), complete=False, is_plain=False)
    return parse_text(text, file, loader)


def parse_text(text: str, file: str, loader: type[yaml.SafeLoader] = FAST_LOADER) -> Document:
    """As `parse_yaml`, of a text that `decode` found sound."""
    builder = _Builder(file)
    reader = loader(text)
    try:
        complete = builder.take_all(reader.get_event)
    except yaml.MarkedYAMLError as error:
        builder.problem(*syntax_problem(error, text))
        return builder.document(complete=False)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own scanner hands the number of a \U escape to chr() as it is; libyaml checks it.
        builder.problem(0, f"this is not YAML: {error}", "look for an escape such as \\U that stands for no character")
        return builder.document(complete=False)
    finally:
        reader.dispose()
    return builder.document(complete=complete)


# C0, C1, line separators that editors do not count, a stray byte order mark, non-characters; and the bidi controls
# that make a file read differently from what it does (CVE-2021-42574).
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def decode(data: bytes, file: str) -> str | Problem:
    """The text of a file, or why it has none."""

    def problem(line: int, text: str, remedy: str) -> Problem:
        return Problem(file=file, line=line, text=text, remedy=remedy)

    if len(data) > MAX_BYTES:
        return problem(0, f"the file has {len(data):,} bytes", f"a policy has at most {MAX_BYTES:,}: split it by site")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return problem(1, "the file is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = _line_of(data[: error.start].decode("utf-8", "replace"))
        return problem(line, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8")
    found = _INVISIBLE.search(text)
    if found is not None:
        what = f"the invisible character U+{ord(found.group()):04X} stands here"
        return problem(_line_of(text[: found.start()]), what, "delete it, or type the line anew")
    return text


_SURROGATE = re.compile("[\ud800-\udfff]")


def _line_of(before: str) -> int:
    return len(LINE_END.findall(before)) + 1


class _Open:
    """A mapping or list that is being filled. `key` waits for its value, unless the mapping awaits a key."""

    __slots__ = ("again", "awaits_key", "container", "key", "path")

    def __init__(self, container: dict[str, object] | list[object], path: KeyPath) -> None:
        self.container = container
        self.path = path
        self.awaits_key = isinstance(container, dict)
        self.key = ""
        self.again = False  # the waiting key stood here before: its value is read and dropped


class _Builder:
    """The tree under construction, fed one event at a time."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._root: object = None
        self._open: list[_Open] = []
        self._around: _Open | None = None  # the last that is open
        self._lines: dict[KeyPath, int] = {}
        self._unread: set[KeyPath] = set()
        self._problems: list[Problem] = []
        self._documents = 0
        self._is_plain = False

    def document(self, *, complete: bool) -> Document:
        return Document(
            data=self._root,
            lines=self._lines,
            unread=frozenset(self._unread),
            problems=tuple(self._problems),
            complete=complete,
            is_plain=self._is_plain,
        )

    def problem(self, line: int, text: str, remedy: str) -> None:
        self._problems.append(Problem(file=self._file, line=line, text=text, remedy=remedy))

    def take_all(self, next_event: Callable[[], yaml.Event | None]) -> bool:
        """Whether the events could be read to their end.

        Most of the time of loading a policy is spent in this loop. Plain keys and texts in a mapping or list are two
        thirds of all events, and are taken here without a call.
        """
        takes: dict[type[yaml.Event], Callable[..., bool]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: self._take_start,
            yaml.SequenceStartEvent: self._take_start,
            yaml.MappingEndEvent: self._take_end,
            yaml.SequenceEndEvent: self._take_end,
            yaml.AliasEvent: self._take_alias,
            yaml.DocumentStartEvent: self._start_document,
        }
        lines = self._lines
        while (event := next_event()) is not None:
            around = self._around
            if type(event) is yaml.ScalarEvent and around is not None and not around.again:
                text: str = event.value
                if event.anchor is None and event.tag is None and text.isascii():
                    container = around.container
                    if not around.awaits_key:
                        value = None if text in _NOTHING and event.implicit[0] else text
                        if isinstance(container, dict):
                            container[around.key] = value
                            around.awaits_key = True
                        else:
                            lines[(*around.path, len(container))] = _line(event)
                            container.append(value)
                        continue
                    if text not in container:
                        lines[(*around.path, text)] = _line(event)
                        around.key = text
                        around.awaits_key = False
                        continue
            take = takes.get(type(event))
            if take is not None and not take(event):
                return False
        return True

    def _start_document(self, event: yaml.Event) -> bool:
        self._documents += 1
        if self._documents > 1:
            self.problem(_line(event), "a second document starts here", "one policy a file: delete the `---`")
        return self._documents == 1

    def _take_scalar(self, event: yaml.ScalarEvent) -> bool:
        value: str = event.value
        line = _line(event)
        if not value.isascii() and _SURROGATE.search(value):
            self.problem(line, "a \\u escape stands for no character", "type the character itself")
            return False
        if event.anchor is not None or event.tag is not None:
            self._refuse_decoration(event)
        around = self._around
        if around is not None and around.awaits_key:
            self._take_key(around, value, line)
        else:
            is_plain = event.implicit[0]
            self._place(None if is_plain and value in _NOTHING else value, line)
        return True

    def _take_start(self, event: yaml.CollectionStartEvent) -> bool:
        if self._awaits_key():
            return self._refuse_key(event)
        if event.anchor is not None or event.tag is not None:
            self._refuse_decoration(event)
        if len(self._open) >= MAX_DEPTH:
            self.problem(_line(event), f"values nest more than {MAX_DEPTH} deep", "a policy needs 4")
            return False
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        container: dict[str, object] | list[object] = {} if is_mapping else []
        if not self._open:
            assert event.start_mark is not None  # noqa: S101  both scanners give every event its place
            self._is_plain = is_mapping and not event.flow_style and event.start_mark.column == 0
        self._around = _Open(container, self._place(container, _line(event)))
        self._open.append(self._around)
        return True

    def _take_end(self, event: yaml.CollectionEndEvent) -> bool:
        self._open.pop()
        self._around = self._open[-1] if self._open else None
        return True

    def _take_alias(self, event: yaml.AliasEvent) -> bool:
        if self._awaits_key():
            return self._refuse_key(event)
        text = f"`*{event.anchor}` points to another place of the file"
        self.problem(_line(event), text, f'write the value out, or quote it if it begins so: "*{event.anchor}"')
        self._unread.add(self._place(None, _line(event)))
        return True

    def _refuse_decoration(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if event.anchor is not None:
            self.problem(_line(event), f"`&{event.anchor}` gives a value a name", f"delete `&{event.anchor}`")
        if tag is not None:
            tag = tag.replace("tag:yaml.org,2002:", "!!")
            self.problem(_line(event), f"`{tag}` is a YAML tag", "delete it, or quote the text that begins with `!`")

    def _refuse_key(self, event: yaml.NodeEvent) -> bool:
        self.problem(_line(event), "a key must be a word", "write `key: value`; quote text that holds { [ or *")
        return False

    def _awaits_key(self) -> bool:
        return self._around is not None and self._around.awaits_key

    def _take_key(self, around: _Open, key: str, line: int) -> None:
        path = (*around.path, key)
        around.key = key
        around.awaits_key = False
        around.again = key in around.container
        if around.again:
            first = self._lines[path]
            self.problem(line, f"`{key}` stands here a second time", f"keep one; the first is in line {first}")
        else:
            self._lines[path] = line

    def _place(self, value: object, line: int) -> KeyPath:
        """Puts a value where it belongs and returns its place."""
        around = self._around
        if around is None:
            self._root = value
            self._lines[()] = line
            return ()
        container = around.container
        if isinstance(container, list):
            path = (*around.path, len(container))
            container.append(value)
            self._lines.setdefault(path, line)
            return path
        around.awaits_key = True
        if around.again:
            return (*around.path, around.key, "again")
        container[around.key] = value
        return (*around.path, around.key)


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None  # noqa: S101  as above
    return int(event.start_mark.line) + 1


_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})  # YAML 1.1, type "null"
