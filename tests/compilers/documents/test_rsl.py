"""A policy as an RSL document, read by an XML parser that is not ours."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import xmlschema

from optout.compilers.documents.rsl import NAMESPACE, USAGES, license_xml
from optout.compilers.documents.uses import among, uses_for
from optout.lint.runner import lint_rsl
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_uses import RslMatcher
from tests.compilers.documents.published import NO_TRAINING, documents, policy, text

USE = "[a-z-]+( [a-z-]+)*"
# What RSL 1.0 says of the elements that are written here: their order is free, a license is a must, types are closed.
SCHEMA = f"""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}" xmlns="{NAMESPACE}"
    elementFormDefault="qualified">
  <xs:simpleType name="usages"><xs:list><xs:simpleType><xs:restriction base="xs:string">
    {"".join(f'<xs:enumeration value="{word}"/>' for word in ("all", "ai-all", *USAGES.values()))}
  </xs:restriction></xs:simpleType></xs:list></xs:simpleType>
  <xs:complexType name="uses"><xs:simpleContent><xs:extension base="usages">
    <xs:attribute name="type" use="required"><xs:simpleType><xs:restriction base="xs:string">
      <xs:enumeration value="usage"/></xs:restriction></xs:simpleType></xs:attribute>
  </xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="rsl"><xs:complexType><xs:sequence>
    <xs:element name="content" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="license" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:element name="permits" type="uses" minOccurs="0"/>
        <xs:element name="prohibits" type="uses" minOccurs="0"/>
        <xs:element name="payment" minOccurs="0"><xs:complexType><xs:sequence>
          <xs:element name="custom" type="xs:anyURI" minOccurs="0"/>
        </xs:sequence><xs:attribute name="type" use="required"><xs:simpleType><xs:restriction base="xs:string">
          <xs:enumeration value="free"/><xs:enumeration value="purchase"/>
        </xs:restriction></xs:simpleType></xs:attribute></xs:complexType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="terms" type="xs:anyURI" minOccurs="0"/>
    </xs:sequence>
    <xs:attribute name="url" type="xs:string" use="required"/><xs:attribute name="server" type="xs:anyURI"/>
    </xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


def licenses(more: str, default: str = "allow", server: str = "") -> dict[str, list[dict[str, str]]]:
    data = license_xml(
        among(uses_for(policy(more, default)), USAGES), offer="https://a.example/?a=1&b=2", server=server, terms=""
    )
    xmlschema.XMLSchema(SCHEMA).validate(data.decode())
    root = ElementTree.fromstring(data)
    assert root.tag == f"{{{NAMESPACE}}}rsl"
    return {
        content.attrib["url"]: [
            {part.tag.partition("}")[2]: part.text or "" for part in each if part.text and part.text.strip()}
            for each in content.findall(f"{{{NAMESPACE}}}license")
        ]
        for content in root
    }


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (NO_TRAINING, {"/": [{"prohibits": "ai-train"}]}),
        (
            "clauses: [{action: require-license, purpose: train}]\n",
            {"/": [{"permits": "search"}, {"permits": "ai-train"}]},
        ),
        (
            "clauses: [{action: allow, purpose: [search, train], path: /free/}, {action: deny}]\n",
            {
                "/": [{"prohibits": "ai-train ai-input ai-index"}],
                "/free/": [{"permits": "ai-train search", "prohibits": "ai-input ai-index"}],
            },
        ),
    ],
)
def test_each_content_says_all_of_what_is_said(clauses: str, expected: dict[str, object]) -> None:
    assert licenses(clauses) == expected


def test_what_needs_a_license_names_the_offer_and_the_server() -> None:
    found = uses_for(policy("clauses: [{action: require-license, purpose: train}]\n"))
    data = license_xml(found, offer="https://a.example/?a=1&b=2", server="https://licenses.example", terms="")
    root = ElementTree.fromstring(data)
    assert "server" not in root[0].attrib  # or search engines would need a token, too
    assert [custom.text for custom in root.iter(f"{{{NAMESPACE}}}custom")] == ["https://a.example/?a=1&b=2"]
    closed = uses_for(
        policy("clauses: [{action: require-license, purpose: [train, search], including_search: true}]\n")
    )
    data = license_xml(closed, offer="", server="https://licenses.example", terms="")
    root = ElementTree.fromstring(data)
    assert root[0].attrib["server"] == "https://licenses.example"
    assert [custom.text for custom in root.iter(f"{{{NAMESPACE}}}custom")] == ["https://licenses.example"]
    nowhere = ElementTree.fromstring(license_xml(found, offer="", server="", terms=""))
    assert [len(payment) for payment in nowhere.iter(f"{{{NAMESPACE}}}payment")] == [0, 0]


def test_where_nothing_is_said_there_is_no_document() -> None:
    assert license_xml((), offer="", server="", terms="") == b""
    assert "/license.xml" not in documents("license: /license.xml\n").files


def test_a_policy_that_names_its_own_license_gets_the_document() -> None:
    made = documents(f"license: /terms/rsl.xml\nterms: /terms/\n{NO_TRAINING}")
    assert "<terms>https://site.example/terms/</terms>" in text(made, "/terms/rsl.xml")


@pytest.mark.parametrize("default", ["allow", "deny"])
@pytest.mark.parametrize(
    ("clauses", "path", "expected"),
    [
        ("[{action: require-license, purpose: train}]", "/x", {"train": "disallowed", "search": "allowed"}),
        ("[{action: allow, purpose: train, path: /press/}]", "/press/x", {"train": "allowed", "search": "allowed"}),
        ("[{action: deny, purpose: train}]", "/x", {"train": "disallowed"}),
        (
            "[{action: deny, purpose: [train, search], including_search: true}]",
            "/x",
            {"train": "disallowed", "search": "disallowed"},
        ),
    ],
)
def test_our_own_reader_reads_the_same_and_search_is_never_lost_by_the_way(
    clauses: str, path: str, expected: dict[str, str], default: str
) -> None:
    made = documents(f"license: /license.xml\nclauses: {clauses}\n", default)
    data = made.files["/license.xml"].data
    assert lint_rsl(data) == ()
    said = {str(each.usage): str(each.preference) for each in RslMatcher(parse_rsl(data)).statements(path, "", "RSL")}
    assert {usage: said[usage] for usage in expected} == expected
    assert said.get("search") != "disallowed" or expected.get("search") == "disallowed"
