"""The maps of an nginx edge that say what a crawler is told: from its class and the target to a few words.

    ""                   nobody who is known, or left alone: nothing is answered or logged
    0                    the request goes on, and is logged: nginx takes it for false
    anything else        an answer is given, as `replies` says it

The tables of several classes are often the same rules; they are then the same map. Many literal paths after one
another become one expression (`_literals`), so that ten thousand rules cost a crawler a hundred looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from optout.compilers.edge import Loss
from optout.compilers.nginx.names import keys
from optout.compilers.nginx.text import LONGEST_KEY, fits, named, searched
from optout.compilers.patterns import ALWAYS_OPEN, AMBIGUOUS, MALFORMED, exactly, ordinary, pcre, quote
from optout.compilers.plan import LEFT, NEXT, PASS, Line, Plan, is_ai
from optout.compilers.recognition.word_tries import Trie

GOES_ON = "0"
"""What stands for a pass."""

_METHOD = r"^[^ ]+ "
_MOST_LITERALS = 3000  # octets of the paths in one expression: quoting and alternation come on top


@dataclass(slots=True)
class Tables:
    """The maps of all classes, made once however many classes use them. `told` is what is said of each answer."""

    made: Plan
    tag: str
    told: Sequence[str]
    maps: list[str] = field(default_factory=list)
    left_out: int = 0
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)
    _count: int = 0

    def write(self) -> str:
        """All maps; the variable `$TAG_said` is what comes of them."""
        edge, tag = self.made.edge, self.tag
        kinds_of = [self._of_class(place) for place in range(len(edge.classes))]
        said = [(key, kinds_of[self.made.crawlers[at].group]) for key, at in keys(self.made)]
        opened = [(exactly([each]), "open") for each in edge.open_targets]
        opened = [pair for pair in opened if fits(pair[0])]
        usual = [(ordinary(edge.open_targets), "")]  # most targets, which need not be looked at three times
        kinds = [
            *(pair for pair in usual if fits(pair[0])),
            *((ALWAYS_OPEN, "open"), *opened, (MALFORMED, "malformed"), (AMBIGUOUS, "ambiguous")),
        ]
        self.maps.append(searched("$request_uri", f"${tag}_target", kinds))
        self.maps.append(named(f"${tag}_crawler", f"${tag}_said", said))
        return "".join(self.maps)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be written."""
        if not self.left_out:
            return ()
        return (
            Loss(
                code="long-rules",
                text=f"{self.left_out} rules are left out, because nginx takes no parameter of 4,096 octets",
                remedy="shorten these rules",
            ),
        )

    def _of_class(self, place: int) -> str:
        group = self.made.edge.classes[place]
        onward = GOES_ON
        for lines in reversed(self.made.tables(group)):
            onward = self._table(lines, onward)
        variable = self._next("kind")
        pairs = [
            ("open", GOES_ON if is_ai(group) else ""),
            ("malformed", self._value(self.made.outcome(group.malformed), onward)),
            ("ambiguous", self._value(self.made.outcome(group.ambiguous), onward)),
        ]
        self.maps.append(named(f"${self.tag}_target", variable, pairs, default=self._value(onward)))
        return variable

    def _table(self, lines: Sequence[Line], onward: str) -> str:
        """The outcome of a table: a variable, or a word where no target is looked at."""
        if not lines:
            return onward
        values = tuple(self._value(line.outcome, onward) for line in lines)
        key = (tuple((line.pattern, line.methods) for line in lines), values, onward)
        if key not in self._known:
            self._known[key] = self._map(lines, values, self._value(onward))
        return self._known[key]

    def _map(self, lines: Sequence[Line], values: Sequence[str], default: str) -> str:
        if lines[0].pattern is None and not lines[0].methods:
            return values[0]
        by_method = any(line.methods for line in lines)
        pairs: list[tuple[str, str]] = []
        run: list[tuple[Line, str]] = []
        for line, value in zip(lines, values, strict=True):
            if line.pattern is None and not line.methods:
                default = value
                break
            if _is_plain(line):
                run.append((line, value))
                continue
            pairs += self._literals(run, by_method=by_method)
            run = []
            pairs.append((_expression(line, by_method=by_method), value))
        pairs += self._literals(run, by_method=by_method)
        kept = [pair for pair in pairs if fits(f"~{pair[0]}") and fits(pair[1])]
        self.left_out += len(pairs) - len(kept)
        variable = self._next("table")
        source = "$request_method $request_uri" if by_method else "$request_uri"
        self.maps.append(searched(source, variable, kept, default=default))
        return variable

    def _literals(self, run: Sequence[tuple[Line, str]], *, by_method: bool) -> Iterator[tuple[str, str]]:
        """Literal paths in order, as few expressions: of several that match, the longest is the first of them."""
        written: dict[bytes, str] = {}
        folded: set[bytes] = set()
        size = 0
        for line, value in run:
            assert line.pattern is not None  # noqa: S101  `_is_plain`
            text = line.pattern.literal_prefix
            if any(text[:cut] in written for cut in range(1, len(text) + 1)):
                continue  # an earlier one is the same, or begins it
            if size + len(text) > _MOST_LITERALS or text.lower() in folded:  # nginx's hashes know no case
                yield from self._chunk(written, by_method=by_method)
                written, folded, size = {}, set(), 0
            written[text] = value
            folded.add(text.lower())
            size += len(text)
        yield from self._chunk(written, by_method=by_method)

    def _chunk(self, written: dict[bytes, str], *, by_method: bool) -> Iterator[tuple[str, str]]:
        opening = _METHOD if by_method else "^"
        values = set(written.values())
        trie = Trie([quote(bytes([octet])) for octet in text] for text in written)
        if len(values) == 1:
            yield opening + trie.expression(), values.pop()
        elif values:
            found, variable = f"{self.tag}_path", self._next("rule")
            pairs = ((text.decode(), value) for text, value in written.items())
            self.maps.append(named(f"${found}", variable, pairs))
            yield f"{opening}(?<{found}>{trie.expression()})", variable

    def _next(self, what: str) -> str:
        self._count += 1
        return f"${self.tag}_{what}_{self._count}"

    def _value(self, outcome: str, onward: str = "") -> str:
        """What an outcome is in a map: the words of an answer, or a variable that knows more."""
        if outcome == NEXT:
            return self._value(onward)
        if outcome == LEFT:
            return ""
        if outcome == PASS:
            return GOES_ON
        if outcome == GOES_ON or outcome[:1] in ("$", "r") or "\t" in outcome:
            return outcome
        return self.told[int(outcome[1:])] if outcome else ""


def _is_plain(line: Line) -> bool:
    """Whether a line is a path that begins so, in letters that stand for nothing but themselves."""
    pattern = line.pattern
    if pattern is None or line.methods or not pattern.is_literal or pattern.anchored:
        return False
    return b"%" not in pattern.literal_prefix and 0 < len(pattern.literal_prefix) <= LONGEST_KEY


def _expression(line: Line, *, by_method: bool) -> str:
    path = pcre(line.pattern)[1:] if line.pattern is not None else ""
    if line.methods:
        return f"^(?:{'|'.join(line.methods)}) {path}"
    return f"{_METHOD}{path}" if by_method else f"^{path}"
