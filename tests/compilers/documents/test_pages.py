"""Header fields and elements for pages."""

from __future__ import annotations

from optout.compilers.documents.pages import Section, head_html, headers_txt
from optout.messages import Fields
from optout.signals.aipref import parse_content_usage_fields
from optout.signals.page_tags import parse_page_tags
from optout.signals.preference import Preference
from optout.signals.tdmrep import Reserved, parse_tdm_fields
from tests.compilers.documents.published import NO_TRAINING, documents

PERMIT = "action: allow, purpose: [train, dataset, search-index, user-fetch, undocumented]"
URLS = "license: /license.xml\ntdm_policy: https://site.example/tdm.json\n"


def sections(more: str, default: str = "allow") -> dict[str, Section]:
    return {each.pattern: each for each in documents(f"{URLS}{more}", default).sections}


def test_fields_say_what_the_files_say() -> None:
    fields = Fields(sections(NO_TRAINING)["/"].fields)
    said, faults = parse_tdm_fields(fields)
    assert (said.reserved, said.policy, faults) == (Reserved.RESERVED, "https://site.example/tdm.json", ())
    (usage,), faults = parse_content_usage_fields(fields)
    assert (usage.preference, faults) == (Preference.DISALLOWED, ())
    assert fields.all("link") == ('<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"',)


def test_elements_say_what_the_fields_say() -> None:
    section = sections(NO_TRAINING)["/"]
    page = f"<html><head>{''.join(section.elements)}</head></html>"
    tags = parse_page_tags(page.encode())
    assert (tags.tdm.reserved, tags.tdm.policy) == (Reserved.RESERVED, "https://site.example/tdm.json")
    assert 'content="noai, noimageai"' in page


def test_a_path_has_the_section_of_the_nearest_path() -> None:
    found = sections(
        f"clauses: [{{{PERMIT}, path: /free/}}]\n",
        "deny",
    )
    assert list(found) == ["/free/", "/"]
    assert ("tdm-reservation", "0") in found["/free/"].fields
    assert ("Content-Usage", "train-ai=y, ai-use=y") in found["/free/"].fields


def test_a_field_permits_nothing_that_an_earlier_line_of_the_file_may_refuse() -> None:
    found = sections(f'clauses: [{{action: deny, path: /a/}}, {{{PERMIT}, path: "*.jpg$"}}]\n', "deny")
    assert list(found) == ["/a/", "/"]


def test_a_pattern_with_stars_has_a_section_where_it_refuses() -> None:
    assert list(sections('clauses: [{action: deny, path: "*.jpg$"}]\n')) == ["*.jpg$", "/"]


def test_texts_hold_one_block_a_section() -> None:
    found = tuple(sections("clauses: [{action: deny, path: /a--b/}]\n").values())
    assert headers_txt(found).count(b"\n# /") == 1
    html = head_html(found)
    assert b"<!-- /a- -b/ -->\n<meta" in html
    assert head_html(()) == headers_txt(()) == b""
