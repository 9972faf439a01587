"""RFC 9309, section by section, and the table of 39 cases in which robots.txt readers are known to disagree.

The `rfc` column is the standard read strictly. `protego` is what Protego 0.7.0 answers, by which Scrapy crawlers
behave; 0.6.1 answered rows 16, 30 and 37 the other way.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from optout.robots.dialects import Dialect, read_as
from optout.robots.matcher import Match, RobotsMatcher
from optout.robots.model import PathPattern, normalize_path
from optout.robots.parser import SIZE_LIMIT, parse_robots

A, D = True, False


@dataclass
class Row:
    """One case: who asks for what, and the answers (True is allowed)."""

    title: str
    file: str
    rfc: bool
    protego: bool
    path: str = "/x"
    token: str = "FooBot"


def foobot(*rules: str) -> str:
    return "\n".join(["User-agent: FooBot", *rules, ""])


TABLE = {
    1: Row("order is irrelevant", foobot("Disallow: /", "Allow: /p"), A, A, "/page"),
    2: Row("a tie goes to allow", foobot("Disallow: /folder", "Allow: /folder"), A, A, "/folder/page"),
    3: Row("an empty Disallow", foobot("Disallow:"), A, A),
    4: Row("an empty Allow is no match", foobot("Allow: ", "Disallow: /"), D, D),
    5: Row("a longer wildcard", foobot("Allow: /page", "Disallow: /*.html"), D, D, "/page.html"),
    6: Row("the root only", foobot("Allow: /$", "Disallow: /"), A, A, "/"),
    7: Row("a literal longer than a wildcard", foobot("Allow: /x/page.", "Disallow: /*.html"), A, A, "/x/page.html"),
    8: Row("$ and then a query", foobot("Disallow: /*.php$"), A, A, "/f.php?x=1"),
    9: Row("$ exactly", foobot("Disallow: /*.php$"), D, D, "/f.php"),
    10: Row("paths have case", foobot("Disallow: /X/"), A, A, "/x/y"),
    11: Row(
        "nothing is inherited from *",
        "User-agent: *\nDisallow: /x/\n\nUser-agent: FooBot\nDisallow: /y/\n",
        rfc=A,
        protego=A,
        path="/x/1",
    ),
    12: Row(
        "groups of one token merge",
        "User-agent: FooBot\nDisallow: /a\n\nUser-agent: BarBot\nDisallow: /\n\nUser-agent: FooBot\nDisallow: /b\n",
        rfc=D,
        protego=D,
        path="/b1",
    ),
    13: Row("two groups for * merge", "User-agent: *\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n", D, D, "/b1"),
    14: Row("a blank line among user agents", "User-agent: FooBot\n\nUser-agent: BarBot\nDisallow: /\n", D, D),
    15: Row("a blank line before the rule", "User-agent: FooBot\n\nDisallow: /\n", D, D),
    16: Row(
        "Sitemap between user agents",
        "User-agent: FooBot\nSitemap: https://site.example/s.xml\nUser-agent: BarBot\nDisallow: /\n",
        rfc=D,
        protego=D,
    ),
    17: Row(
        "a group for * with an extension only",
        "User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nDisallow: /\n",
        rfc=D,
        protego=A,
    ),
    18: Row(
        "the same with a rule in it",
        "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /\n",
        rfc=A,
        protego=A,
    ),
    19: Row(
        "Crawl-delay between user agents",
        "User-agent: FooBot\nCrawl-delay: 5\nUser-agent: BarBot\nDisallow: /\n",
        rfc=D,
        protego=A,
    ),
    20: Row("a rule before any group", "Disallow: /\n\nUser-agent: BarBot\nDisallow: /x\n", A, A),
    21: Row("a byte order mark", "\ufeff" + foobot("Disallow: /"), D, A),
    22: Row("lines that end in CR", foobot("Disallow: /").replace("\n", "\r"), D, D),
    23: Row("a comment in the line", foobot("Disallow: /foo#bar"), D, D, "/foo"),
    24: Row("a rule in UTF-8 and an escaped URL", foobot("Disallow: /ツ"), D, D, "/%E3%83%84"),
    25: Row("an escaped unreserved character", foobot("Disallow: /%62%61%7A"), D, D, "/baz"),
    26: Row("%2F is not /", foobot("Disallow: /a%2Fb"), A, A, "/a/b"),
    27: Row("$ inside a pattern is itself", foobot("Disallow: /a$b"), D, D, "/a$b"),
    28: Row("a leading *", foobot("Disallow: *.gif$"), D, D, "/i/p.gif"),
    29: Row("no leading slash", foobot("Disallow: private"), A, A, "/private"),
    30: Row("/robots.txt itself", foobot("Disallow: /"), A, A, "/robots.txt"),
    31: Row("a digit in the token", "User-agent: AI2Bot\nDisallow: /\n", D, D, token="AI2Bot"),
    32: Row("a group with a shorter name", "User-agent: Google\nDisallow: /\n", A, D, token="Googlebot"),
    33: Row(
        "a group whose name the token begins with",
        "User-agent: Applebot\nDisallow: /\n",
        rfc=A,
        protego=D,
        token="Applebot-Extended",
    ),
    34: Row("a list with commas", "User-agent: FooBot, BarBot\nDisallow: /\n", A, A, token="BarBot"),
    35: Row("a user agent with a version", "User-agent: FooBot/2.1\nDisallow: /\n", A, A),
    36: Row("a misspelled Disallow", foobot("Disalow: /"), A, D),
    37: Row("no colon", "User-agent FooBot\nDisallow: /\n", A, D),
    38: Row("index.html", foobot("Allow: /d/index.html", "Disallow: /"), D, A, "/d/"),
    39: Row("a query in the rule", foobot("Disallow: /*?sort="), D, D, "/l?sort=a"),
}


_OTHERS = {  # google, python-new, python-old
    1: (A, A, D),
    2: (A, A, D),
    3: (A, A, A),
    4: (D, D, A),
    5: (D, D, A),
    6: (A, A, D),
    7: (A, D, A),
    8: (A, A, A),
    9: (D, D, A),
    10: (A, A, A),
    11: (A, A, A),
    12: (D, D, A),
    13: (D, D, A),
    14: (D, D, A),
    15: (D, D, A),
    16: (D, D, D),
    17: (D, D, A),
    18: (A, A, A),
    19: (D, A, A),
    20: (A, A, A),
    21: (D, A, A),
    22: (D, D, D),
    23: (D, D, D),
    24: (D, D, D),
    25: (A, D, D),
    26: (A, D, D),
    27: (D, A, D),
    28: (D, D, A),
    29: (A, A, A),
    30: (D, A, D),
    31: (A, D, D),
    32: (A, D, D),
    33: (A, D, D),
    34: (A, A, A),
    35: (D, A, A),
    36: (D, A, A),
    37: (D, A, A),
    38: (A, D, D),
    39: (D, D, A),
}


@pytest.mark.parametrize("number", TABLE)
def test_table_of_differences(number: int) -> None:
    row = TABLE[number]
    data = row.file.encode()
    columns = (Dialect.GOOGLE, Dialect.PYTHON_NEW, Dialect.PYTHON_OLD)
    assert tuple(read_as(each, data, row.token, row.path).allowed for each in columns) == _OTHERS[number], row.title
    assert read_as(Dialect.RFC, data, row.token, row.path).allowed == row.rfc, row.title
    assert read_as(Dialect.PROTEGO, data, row.token, row.path).allowed == row.protego, row.title


def ask(file: str | bytes, token: str, path: str) -> Match:
    data = file.encode() if isinstance(file, str) else file
    return RobotsMatcher(parse_robots(data)).match((token,), path)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_2_2_line_ends(end: str) -> None:
    found = ask(end.join(["User-agent: a", "Allow: /p", "Disallow: /"]), "a", "/x")
    assert (found.allowed, found.rule and found.rule.line) == (False, 3)


@pytest.mark.parametrize("char", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_2_2_nothing_else_ends_a_line(char: str) -> None:
    assert ask(f"User-agent: a\nAllow: /p{char}Disallow: /\n", "a", "/x").allowed
    assert ask(f"User-agent: a{char}\nDisallow: /\n", "a", "/x").token is None


def test_2_2_1_groups_of_one_token_are_merged_into_one() -> None:
    file = (
        "user-agent: ExampleBot\ndisallow: /foo\ndisallow: /bar\n\nuser-agent: *\ndisallow: /\n\n"
        "user-agent: ExampleBot\ndisallow: /baz\n"
    )
    found = ask(file, "ExampleBot", "/baz")
    assert [group.line for group in found.groups] == [1, 8]
    assert [ask(file, "ExampleBot", path).allowed for path in ("/foo", "/bar", "/baz", "/x")] == [D, D, D, A]


def test_2_2_1_the_token_compares_without_case_and_as_a_whole() -> None:
    file = "User-agent: ExampleBot\nDisallow: /\n"
    assert not ask(file, "EXAMPLEBOT", "/").allowed
    assert ask(file, "Example", "/").allowed
    assert ask(file, "ExampleBot-Images", "/").allowed
    assert ask("User-agent: Example Bot\nDisallow: /\n", "Example", "/").allowed


def test_2_2_1_only_ascii_letters_have_case() -> None:
    assert ask("User-agent: \u212aBot\nDisallow: /\n", "kBot", "/").allowed  # KELVIN SIGN
    assert not ask("User-agent: Bot-É\nDisallow: /\n", "bOT-É", "/").allowed


def test_2_2_1_an_empty_group_that_names_the_crawler_frees_it_from_everyone() -> None:
    found = ask("User-agent: *\nDisallow: /\n\nUser-agent: FooBot\n", "FooBot", "/x")
    assert (found.allowed, found.token, found.everyone) == (True, "FooBot", False)


def test_2_2_1_without_any_group_nothing_is_disallowed() -> None:
    assert ask("User-agent: BarBot\nDisallow: /\n", "FooBot", "/x") == Match(allowed=True)


# Section 2.2.2: a path, and the same path as it is compared.
@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("/foo/bar?baz=quz", b"/foo/bar?baz=quz"),
        ("/foo/bar/ツ", b"/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", b"/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", b"/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", b"/foo/bar/baz"),
        ("/%2D%2e%5F%7e", b"/-._~"),
        ("/a%2fb%3a%25", b"/a%2Fb%3A%25"),
        ("/a b\x7f\x00", b"/a%20b%7F%00"),
        ("/100%", b"/100%"),
        ("/%zz%4", b"/%zz%4"),
        ("/%2561", b"/%2561"),
        ("/:@!&'()+,;=[]", b"/:@!&'()+,;=[]"),
        ("/\udcff", b"/%FF"),
    ],
)
def test_2_2_2_octets_are_compared_in_one_form(written: str, compared: bytes) -> None:
    assert normalize_path(written) == compared
    assert PathPattern.parse(written).octets == compared


def test_2_2_2_the_most_octets_of_the_pattern_decide() -> None:
    file = "User-agent: a\nAllow: /f*ishy\nDisallow: /fishy\nDisallow: /ツ\nAllow: /*****\n"
    assert ask(file, "a", "/fishy").allowed  # 7 octets with the wildcard, 6 without
    assert not ask(file, "a", "/%E3%83%84").allowed  # 10 octets in the form that is compared, 6 against it


def test_2_2_2_robots_txt_is_allowed_by_its_path_alone() -> None:
    file = "User-agent: *\nDisallow: /\n"
    assert ask(file, "a", "/robots.txt").allowed
    assert ask(file, "a", "/%72obots.txt#part").allowed
    assert not any(
        ask(file, "a", path).allowed for path in ("/robots.txt?a", "/Robots.txt", "/robots.txt/", "/a/robots.txt")
    )


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", True),
        ("/path/file-with-a-%2a.html", "/path/file-with-a-%2A.html", True),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-b.html", False),
        ("/path/foo-%24", "/path/foo-$", True),
        ("/path/foo-%24", "/path/foo-", False),
        ("/path/foo-$", "/path/foo-$", False),
        ("/a$b", "/a$b", True),
        ("/a$$", "/a$", True),
        ("/a$$", "/a$b", False),
        ("/a%23b", "/a%23b", True),
        ("/fish*", "/fish", True),
        ("/fish*", "/fishheads/yummy.html", True),
        ("/fish*", "/Fish.asp", False),
        ("/*.php", "/folder/filename.php?parameters", True),
        ("/*.php$", "/filename.php/", False),
        ("/*.php$", "/filename.php.php", True),
        ("/fish*.php", "/fishheads/catfish.php?parameters", True),
        ("/fish*.php", "/fish.PHP", False),
        ("/a*b*a$", "/aba", True),
        ("/a*b*a$", "/ab", False),
        ("/a**a$", "/aa", True),
        ("/a*a$", "/a", False),
        ("*", "/", True),
        ("$", "/", False),
        ("*$", "/anything", True),
        ("", "/", False),
    ],
)
def test_2_2_3_special_characters(pattern: str, path: str, matches: bool) -> None:
    assert PathPattern.parse(pattern).matches(normalize_path(path)) is matches


def test_2_2_4_other_records_never_end_a_group() -> None:
    file = "User-agent: a\nSitemap: /s.xml\nUnheard-of: x\n\nUser-agent: b\nCrawl-delay: 1\nDisallow: /\n"
    assert [ask(file, token, "/").allowed for token in "ab"] == [D, D]


def test_2_3_1_1_every_line_that_can_be_read_is_used() -> None:
    file = b"<html>\nUser-agent: a\n\xff\xfe: \x00\nDisallow /x\nDisallow: /y\n"
    assert [ask(file, "a", path).allowed for path in ("/x", "/y")] == [A, D]


def test_2_5_500_kibibytes_are_read() -> None:
    head = b"User-agent: a\n#"
    rule = b"\nDisallow: /x"
    exactly = head + b"." * (SIZE_LIMIT - len(head) - len(rule)) + rule
    assert len(exactly) == SIZE_LIMIT
    assert not ask(exactly, "a", "/x").allowed
    assert not ask(exactly + b"\nAllow: /x\n", "a", "/x").allowed


SIMPLE = """\
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("token", "path", "line"),
    [
        ("anybot", "/a.gif", 2),
        ("anybot", "/example/a", 3),
        ("anybot", "/publications/a.gif", 4),
        ("anybot", "/a", 0),
        ("foobot", "/a", 7),
        ("foobot", "/example/page.html", 8),
        ("foobot", "/example/allowed.gif", 9),
        ("barbot", "/example/page.html", 13),
        ("bazbot", "/example/page.html", 13),
        ("bazbot", "/a.gif", 0),
        ("quxbot", "/a.gif", 0),
    ],
)
def test_5_1_simple_example(token: str, path: str, line: int) -> None:
    found = ask(SIMPLE, token, path)
    assert (found.rule.line if found.rule else 0) == line
    assert found.allowed == (line in {0, 4, 8, 9})


def test_5_2_longest_match() -> None:
    file = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert not ask(file, "foobot", "/example/page/disallowed.gif").allowed
    assert ask(file, "foobot", "/example/page/allowed.gif").allowed
