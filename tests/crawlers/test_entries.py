"""The registry's files: what they hold, and that a wrong one is refused with its place."""

from __future__ import annotations

import re

import pytest

from optout.crawlers.entries import FACTS, decode_entries, encode_entries, load_entries
from optout.crawlers.model import Honors, Purpose
from optout.crawlers.tokens import Match
from optout.errors import RegistryError

WHOLE = """\
operator: Example Corp
crawlers:
- name: ExampleBot
  purposes: [train, dataset]
  tokens:
  - ExampleBot
  - {text: exbot-, match: prefix, exact_case: true, unless: Electron/}
  robots_tokens: [ExampleBot, Googlebot]
  honors_robots: claimed
  signature_agents: [bot.example.com]
  address_list: https://example.com/bot.json
  rdns_suffixes: [.bot.example.com]
  docs: https://example.com/bot
  notes: A sentence.
  examples: [ExampleBot/1.0]
  sources:
  - facts: [purposes, tokens, robots_tokens, honors_robots, signature_agents, address_list, rdns_suffixes]
    text: https://example.com/bot
    date: 2026-11-24
- name: Example-Extended
  operator: Example (assumed)
  purposes: [control-token]
  robots_tokens: [Example-Extended]
  governed_by: ExampleBot
  sources:
  - {facts: [purposes, robots_tokens, governed_by], text: a list, date: 2026-11-23}
"""


def load(text: str) -> None:
    load_entries({"example.yaml": text.encode()})


def fault(text: str) -> str:
    with pytest.raises(RegistryError) as caught:
        load(text)
    assert caught.value.remedy
    return caught.value.what


def test_every_key_arrives() -> None:
    bot, token = load_entries({"example.yaml": WHOLE.encode()})
    assert (bot.operator, bot.file, bot.honors_robots) == ("Example Corp", "example.yaml", Honors.CLAIMED)
    assert bot.purposes == (Purpose.TRAIN, Purpose.DATASET)
    plain, prefix = (form.token for form in bot.token_forms)
    assert (plain.text, plain.match, plain.exact_case, plain.unless) == ("ExampleBot", Match.WORD, False, "")
    assert (prefix.text, prefix.match, prefix.exact_case, prefix.unless) == ("exbot-", Match.PREFIX, True, "Electron/")
    crawler = bot.crawler
    assert crawler.tokens == ("ExampleBot", "exbot-")
    assert (crawler.address_list, crawler.rdns_suffixes) == ("https://example.com/bot.json", (".bot.example.com",))
    assert (crawler.sources[0].date, crawler.sources[0].facts[0]) == ("2026-11-24", "purposes")
    assert (token.operator, token.crawler.governed_by) == ("Example (assumed)", "ExampleBot")


def test_the_compiled_document_says_the_same() -> None:
    entries = load_entries({"example.yaml": WHOLE.encode()})
    document = encode_entries(entries)
    assert decode_entries(document) == entries
    assert encode_entries(decode_entries(document)) == document
    assert len(document.splitlines()) == 2 + len(entries)


def test_files_come_in_the_order_of_their_names() -> None:
    other = WHOLE.replace("Example", "Other").replace("exbot", "obot").replace("example.com", "other.com")
    entries = load_entries({"b.yaml": WHOLE.encode(), "a.yaml": other.encode()})
    assert [entry.file for entry in entries] == ["a.yaml", "a.yaml", "b.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("operator: Example Corp", "operator: [", "example.yaml: not readable as YAML"),
        ("operator: Example Corp", "owner: Example Corp", "unknown field `owner`"),
        ("operator: Example Corp\n", "", "nobody operates it"),
        ("crawlers:", "bots:", "example.yaml: "),
        ("  purposes: [train, dataset]\n", "", "example.yaml: ExampleBot: Object missing required field `purposes`"),
        ("[train, dataset]", "[training]", "example.yaml: ExampleBot: Invalid enum value 'training'"),
        ("[train, dataset]", "[]", "example.yaml: ExampleBot: purposes is empty"),
        ("  docs:", "  doc:", "example.yaml: ExampleBot: Object contains unknown field `doc`"),
        ("match: prefix", "match: suffix", "example.yaml: ExampleBot: Invalid enum value 'suffix'"),
        ("match: prefix", "kind: prefix", "example.yaml: ExampleBot: Object contains unknown field `kind`"),
        ("name: ExampleBot", "nam: ExampleBot", "example.yaml: entry 1: "),
        ("date: 2026-11-24", "date: soon", "example.yaml: ExampleBot: Invalid RFC3339 encoded date"),
        ("    date: 2026-11-24\n", "", "missing required field `date`"),
        ("    text: https://example.com/bot\n", "    text: ' '\n", "example.yaml: ExampleBot: a source without text"),
        ("[purposes, tokens,", "[tokens,", "example.yaml: ExampleBot: purposes has no source"),
        ("honors_robots, signature", "signature", "example.yaml: ExampleBot: honors_robots has no source"),
        ("[purposes, tokens,", "[purposes, token, tokens,", "a source for an unknown fact: token"),
        ("text: exbot-", "text: ex", "a token of less than three characters"),
        ("text: exbot-", "text: exböt-", "a token that is not ASCII"),
        ("  governed_by: ExampleBot\n", "", "Example-Extended: a control token travels in no user agent"),
        ("  governed_by: ExampleBot\n", "  governed_by: Nobody\n", "governed_by names no crawler: Nobody"),
        ("text: exbot-, match: prefix, exact_case: true", "text: examplebot", "'examplebot' is claimed by ExampleBot"),
        ("name: Example-Extended", "name: examplebot", "'examplebot' is claimed by ExampleBot in example.yaml, too"),
        ("[Example-Extended]", "[ExampleBot]", "Example-Extended: 'examplebot' is claimed by ExampleBot"),
        ("name: Example-Extended", "name: X / ExampleBot", "X / ExampleBot: 'examplebot' is claimed by ExampleBot"),
        ("https://example.com/bot.json", "http://example.com/bot.json", "an address list is at no https address"),
        ("  address_list:", "  address_list_complete: true\n  address_list:", "address_list_complete has no source"),
        ("  rdns_suffixes:", "  runs_locally: true\n  rdns_suffixes:", "runs_locally has no source"),
        ("  notes: A sentence.\n", "  notes: A\n  notes: B\n", "not readable as YAML: 'notes' stands twice"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_place(old: str, new: str, expected: str) -> None:
    assert old in WHOLE
    assert expected in fault(WHOLE.replace(old, new, 1))


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"\x00", b"[[[[", b"- 1", b"", b"a: &a [*a]", b"!!python/object:x {}", b"? [a]\n: b"]
)
def test_what_is_no_registry_file_is_one_error(data: bytes) -> None:
    with pytest.raises(RegistryError, match=r"example\.yaml"):
        load_entries({"example.yaml": data})


def test_two_files_may_not_share_a_signer() -> None:
    other = WHOLE.replace("Example", "Other").replace("exbot", "obot")
    with pytest.raises(RegistryError, match=r"'bot\.example\.com' is claimed by ExampleBot in a\.yaml, too"):
        load_entries({"a.yaml": WHOLE.encode(), "b.yaml": other.encode()})


@pytest.mark.parametrize("document", [b"", b"{}", b'[{"name": "x"}]', b"[1]", b"\xff"])
def test_a_damaged_document_is_one_error(document: bytes) -> None:
    with pytest.raises(RegistryError, match="the compiled registry cannot be read"):
        decode_entries(document)


def test_every_fact_is_a_key() -> None:
    (bot, _) = load_entries({"example.yaml": WHOLE.encode()})
    assert all(hasattr(bot, fact) for fact in FACTS)


def test_a_complete_list_is_for_what_its_operator_runs_alone() -> None:
    both = "  address_list_complete: true\n  runs_locally: true\n  address_list:"
    facts = "address_list, address_list_complete, runs_locally,"
    text = WHOLE.replace("  address_list:", both, 1).replace("address_list,", facts, 1)
    assert "a list is not complete for what people run on their own computers" in fault(text)
    alone = text.replace("  runs_locally: true\n", "").replace(" runs_locally,", "")
    assert load_entries({"example.yaml": alone.encode()})[0].crawler.address_list_complete
    bare = alone.replace("  address_list: https://example.com/bot.json\n", "").replace(" address_list,", "")
    assert "address_list_complete without an address_list" in fault(bare)


@pytest.mark.parametrize(
    "suffix",
    [".compute.amazonaws.com", ".amazonaws.com", ".bc.googleusercontent.com", "example.com", ".com", ".exämple.com"],
)
def test_a_name_that_anybody_can_have_is_no_proof(suffix: str) -> None:
    assert "rdns_suffixes: [" in WHOLE
    text = re.sub(r"rdns_suffixes: \[[^\]]*\]", f'rdns_suffixes: ["{suffix}"]', WHOLE, count=1)
    with pytest.raises(RegistryError, match=r"anybody can have|no domain with a dot"):
        load_entries({"example.yaml": text.encode()})
