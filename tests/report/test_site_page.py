"""An audit as a page, of a site that means harm."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.model import Purpose
from optout.crawlers.registry import bundled_registry
from optout.lint.rules.probes import Declared, Probed
from optout.lint.rules.site import Answer, SiteSource
from optout.messages import Fields
from optout.report.site_audit import audit_site
from optout.report.site_page import page
from tests.browser import open_page

HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(1)>\"'\x1b[31m\u202e"
_ALLOWED = set("html head meta title style body main h1 h2 h3 p section article code div span br".split())
_ALLOWED |= set("table thead tbody tr th td".split())
_PROBE = Probed(purpose=Purpose.TRAIN, crawler="GPTBot", declared=Declared.CLOSED, status=200)


class _Elements(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note."""
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _page(text: str) -> str:
    answer = Answer(url=f"/{text}", status=404, fields=Fields((("content-type", text),)), fault=text, hops=(text,))
    shown = Fields((("tdm-policy", text), ("X-Robots-Tag", text), ("Link", text), ("Content-Usage", text)))
    source = SiteSource(
        robots=Answer(
            url="/robots.txt", status=200, body=f"User-agent: {text}\nDisallow: {text}\n".encode("utf-8", "replace")
        ),
        tdmrep=answer,
        ai_txt=answer,
        page=Answer(url=text, status=200, fields=shown, body=text.encode("utf-8", "replace")),
        target="/",
        image=answer,
        image_target=text,
        named=(answer,),
    )
    audit = audit_site(source, bundled_registry(), (_PROBE,))
    return page(text, audit, made="now").decode()


def test_nothing_that_a_site_sends_acts() -> None:
    text = _page(HOSTILE)
    found = _Elements(text)
    assert found.names <= _ALLOWED
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope", "tabindex"}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "alert(1)" in text


@given(st.text(max_size=80))
def test_whatever_it_sends(text: str) -> None:
    assert _Elements(_page(text)).names <= _ALLOWED


def test_its_own_style_is_all_that_its_policy_lets_in() -> None:
    text = _page("x")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


def test_declared_stands_beside_enforced() -> None:
    text = _page("x")
    assert "Declared and enforced" in text
    assert "PB101" in text


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_browser_finds_nothing_in_the_way_of_a_reader(tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "audit.html"
    file.write_text(_page(HOSTILE), encoding="utf-8")
    rules = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    async with open_page(file.as_uri()) as opened:
        scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
        await opened.call("Emulation.setEmulatedMedia", features=[scheme_feature])
        await opened.run(f"{rules}; true")
        found = await opened.run(
            "axe.run().then(found => found.violations.map(one => one.id + ' ' + one.nodes[0].html))"
        )
        assert found == []
        assert opened.errors == []
