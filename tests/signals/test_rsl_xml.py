"""A stranger's XML: lines, limits, and what an attacker tries with entities, depth, prefixes and length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals.rsl_xml import DEEPEST, LARGEST_FILE, MOST_ELEMENTS, Element, parse_xml
from tests.calls import calls_of


def codes(data: bytes) -> list[str]:
    return [str(fault.code) for fault in parse_xml(data).faults]


def root_of(data: bytes) -> Element:
    root = parse_xml(data).root
    assert root is not None
    return root


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_elements_carry_their_lines(end: bytes) -> None:
    root = root_of(end.join([b"<a>", b"", b"  <b", b"   c='1'>x</b>", b"</a>"]))
    assert (root.line, root.children[0].line) == (1, 3)
    assert (root.children[0].attributes, root.children[0].text) == ({"c": "1"}, "x")


def test_lines_are_counted_from_where_the_document_stands() -> None:
    xml = parse_xml(b"\n<a>", first_line=40)
    assert xml.root is not None
    assert xml.root.line == 41
    assert xml.faults[0].line == 41


def test_prefixes_are_resolved_where_they_are_declared() -> None:
    root = root_of(b'<a xmlns="urn:1" xmlns:p="urn:2"><p:b xmlns="urn:3"><c/></p:b><d p:e="f" g="h"/></a>')
    b, d = root.children
    assert (root.space, b.space, b.children[0].space, d.space) == ("urn:1", "urn:2", "urn:3", "urn:1")
    assert d.attributes == {"g": "h"}
    assert d.prefixes["p"] == "urn:2"


def test_own_text_is_kept_apart_from_that_of_children() -> None:
    assert root_of(b"<a>1<b>2</b>3<![CDATA[<4>]]>&amp;&#53;</a>").text == "13<4>&5"


def test_what_was_read_before_a_mistake_is_kept() -> None:
    xml = parse_xml(b"<a><b>1</b><c><d/>")
    assert xml.root is not None
    b, c = xml.root.children
    assert (b.text, [child.name for child in c.children]) == ("1", ["d"])
    assert [fault.code for fault in xml.faults] == ["not-xml"]


@pytest.mark.parametrize("data", ["<a>\u00fc</a>".encode("utf-16"), b"\xef\xbb\xbf<a>\xc3\xbc</a>"])
def test_the_two_encodings_that_xml_demands_are_read(data: bytes) -> None:
    assert root_of(data).text == "\u00fc"
    assert codes(data) == []


def test_another_encoding_is_reported_whatever_the_document_declares() -> None:
    data = b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xfc</a>'
    assert codes(data) == ["not-utf-8"]
    assert root_of(data).text == "\ufffd"


def test_half_a_character_of_utf_16_is_reported() -> None:
    assert "not-utf-8" in codes("<a/>".encode("utf-16") + b"\x00\xd8")


BILLION = b"""<?xml version="1.0"?><!DOCTYPE z [
<!ENTITY a "haha">
%s]><z>&j;</z>""" % b"".join(
    b'<!ENTITY %c "%s">\n' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("k"))
)


@pytest.mark.parametrize(
    "data",
    [
        BILLION,
        b"<!DOCTYPE z><z/>",
        b'<!DOCTYPE z SYSTEM "http://127.0.0.1:1/z.dtd"><z/>',
        b'<!DOCTYPE z [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]><z/>',
        b'<!DOCTYPE z [<!ATTLIST z a CDATA "b">]><z/>',
    ],
)
def test_a_document_type_ends_the_reading_before_anything_is_declared(data: bytes) -> None:
    xml = parse_xml(data)
    assert xml.root is None
    assert [fault.code for fault in xml.faults] == ["doctype"]


def test_a_file_is_never_read_for_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    data = f'<!DOCTYPE z [<!ENTITY s SYSTEM "{secret.as_uri()}">]><z>&s;</z>'.encode()
    assert "word" not in repr(parse_xml(data))


@pytest.mark.parametrize("data", [b"<a>&nbsp;</a>", b"<a b='&x;'/>", b"<a>&#0;</a>", b"<a>&#xD800;</a>"])
def test_entities_that_xml_does_not_have_are_a_mistake(data: bytes) -> None:
    assert codes(data) == ["not-xml"]


def test_depth_is_limited() -> None:
    assert codes(b"<a>" * DEEPEST + b"</a>" * DEEPEST) == []
    assert codes(b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1)) == ["too-deep"]
    assert codes(b"<a>" * 100_000) == ["too-deep"]


def test_the_number_of_elements_is_limited() -> None:
    assert codes(b"<a>" + b"<b/>" * (MOST_ELEMENTS - 1) + b"</a>") == []
    assert codes(b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>") == ["too-many"]


def test_the_size_is_limited() -> None:
    data = b"<a><b/>" + b" " * LARGEST_FILE + b"<c/></a>"
    assert codes(data) == ["too-large"]
    assert [child.name for child in root_of(data).children] == ["b"]


def test_a_cut_within_a_character_is_no_other_fault() -> None:
    assert codes(b"<a>" + b" " * (LARGEST_FILE - 4) + "\u00fc".encode()) == ["too-large"]


@pytest.mark.parametrize("data", [b"<p:a/>", b"<a xmlns:p='urn:1'><p:b/></a><p:c/>", b"<a><q:b/></a>"])
def test_a_prefix_that_stands_for_nothing_is_a_mistake(data: bytes) -> None:
    assert codes(data) == ["not-xml"]


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "elements": lambda size: b"<a>" + b"<b/>" * (size // 4),
    "attributes": lambda size: b"<a " + b" ".join(b"b%x=''" % number for number in range(size // 9)) + b"/>",
    "prefixed attributes": lambda size: (
        b"<a xmlns:p='%s' %s/>" % (b"u" * (size // 2), b" ".join(b"p:b%x=''" % number for number in range(size // 22)))
    ),
    "declarations": lambda size: (
        b"<a %s><p0:b/></a>" % b" ".join(b"xmlns:p%x='u'" % number for number in range(size // 16))
    ),
    "declarations in each": lambda size: b"<a>" + b"<b xmlns:p='u'/>" * (size // 16),
    "text": lambda size: b"<a>" + b"&lt;" * (size // 4),
    "comments": lambda size: b"<a>" + b"<!--->" * (size // 6),
    "one comment": lambda size: b"<a><!--" + b"-a" * (size // 2),
    "one tag": lambda size: b"<a " + b" " * size,
    "one value": lambda size: b"<a b='" + b"&lt;" * (size // 4),
    "sections": lambda size: b"<a>" + b"<![CDATA[]]>" * (size // 12),
    "instructions": lambda size: b"<a>" + b"<?b?>" * (size // 5),
    "depth": lambda size: b"<a>" * (size // 3),
    "levels": lambda size: (b"<a xmlns:p='u'>" * 30 + b"</a>" * 30) * (size // 600),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_file(shape: str) -> None:
    make = HOSTILE[shape]
    small, large = make(4_096), make(16_384)
    assert calls_of(lambda: parse_xml(large)) <= 4.5 * calls_of(lambda: parse_xml(small)) + 100


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_largest_file_of_every_hostile_shape_is_read_to_an_end(shape: str) -> None:
    parse_xml(HOSTILE[shape](LARGEST_FILE)[:LARGEST_FILE])  # were any quadratic, this would take minutes


@given(st.binary(max_size=300) | st.text(alphabet="<a:b xmlns='\">/&;![]?-\n", max_size=120).map(str.encode))
def test_any_bytes_are_a_tree_or_a_fault(data: bytes) -> None:
    xml = parse_xml(data)
    assert xml.root is not None or xml.faults
    for fault in xml.faults:
        assert 0 <= fault.line <= data.count(b"\n") + data.count(b"\r") + 1
        assert fault.text.isascii()
        assert fault.text.isprintable()


_NAMES = st.sampled_from(["a", "b", "{urn:1}a", "{urn:2}b"])
_TEXTS = st.text(alphabet="x<&>\"' \n\u00fc\U0001f600", max_size=6)


@st.composite
def _trees(draw: st.DrawFn, depth: int = 3) -> ElementTree.Element:
    element = ElementTree.Element(draw(_NAMES), draw(st.dictionaries(st.sampled_from(["c", "{urn:1}d"]), _TEXTS)))
    element.text = draw(_TEXTS)
    for child in draw(st.lists(_trees(depth - 1), max_size=3)) if depth else ():
        child.tail = draw(_TEXTS)
        element.append(child)
    return element


def _same(ours: Element, theirs: ElementTree.Element) -> bool:
    name = f"{{{ours.space}}}{ours.name}" if ours.space else ours.name
    plain = {key: value for key, value in theirs.items() if not key.startswith("{")}
    text = (theirs.text or "") + "".join(child.tail or "" for child in theirs)
    return (name, ours.attributes, ours.text, len(ours.children)) == (theirs.tag, plain, text, len(theirs)) and all(
        map(_same, ours.children, theirs)
    )


@given(_trees())
def test_sound_documents_are_read_as_the_standard_library_reads_them(tree: ElementTree.Element) -> None:
    data = ElementTree.tostring(tree, encoding="utf-8")
    assert _same(root_of(data), ElementTree.fromstring(data))
