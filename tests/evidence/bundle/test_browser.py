"""`verify.html` in a real browser, from a file address: the same verdicts as `verify.py`, on the same bundles."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from optout.evidence.anchors import keep_anchor
from optout.evidence.bundle.page import verifier_page
from optout.evidence.bundle.verify import verify
from optout.evidence.checkpoint import Checkpoint, open_checkpoint
from optout.evidence.signing import load_verifier_key
from tests.browser import Page, open_page
from tests.evidence.bundle.cases import OURS, make_bundle, make_log, mutants
from tests.evidence.setting import crawl, open_log

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """The verifier, opened from the disk."""
    file = tmp_path_factory.mktemp("page") / "verify.html"
    file.write_bytes(verifier_page())
    async with open_page(file.as_uri()) as opened:
        yield opened


async def _ask(page: Page, bundle: bytes, vkey: str = "", seen: tuple[str, ...] = ()) -> dict[str, object]:
    data = base64.b64encode(bundle).decode()
    return dict(
        await page.run(f"verify(Uint8Array.from(atob({data!r}), (c) => c.charCodeAt(0)), {vkey!r}, {list(seen)!r})")
    )


async def test_a_bundle_that_is_put_in_gets_its_verdict(page: Page, bundle: bytes, vkey: str, tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(bundle)
    await page.run(f"document.getElementById('vkey').value = {vkey!r}")
    await page.choose_file("#file", tmp_path / "case.zip")
    told = await page.until("document.querySelector('#said ul') && document.getElementById('verdict').textContent")
    assert told == "sound: every check passed"
    (tmp_path / "false.zip").write_bytes(bundle.replace(b"7 visits", b"8 visits"))
    await page.choose_file("#file", tmp_path / "false.zip")
    await page.until("document.getElementById('verdict').className === 'unsound'")
    assert page.errors == []


async def test_it_says_what_the_other_verifier_says(page: Page, bundle: bytes, vkey: str) -> None:
    seen = (verify(bundle, vkey)["checkpoint"],)
    for given in ((vkey, ()), ("", ()), (vkey, seen), (vkey, ("other 1 AAAA",))):
        assert await _ask(page, bundle, *given) == verify(bundle, given[0] or None, given[1])


async def test_it_reads_timestamps_and_growth_alike(page: Page, tmp_path: Path) -> None:
    layout = make_log(tmp_path / "evidence", 10)
    note = layout.checkpoint.read_bytes()
    checkpoint = open_checkpoint(note, load_verifier_key(layout.vkey))
    assert isinstance(checkpoint, Checkpoint)
    token = b"a token over " + hashlib.sha256(note).digest()
    keep_anchor(layout, checkpoint, "tsa.example", note=note, request=b"", response=token)
    noted = " ".join(note.decode().split("\n")[:3])
    log = open_log(layout.root)
    log.append(crawl(99, tenant=OURS)).result(20)
    log.close()
    bundle, vkey = make_bundle(layout, tmp_path / "x.zip"), layout.vkey.read_text().strip()
    for seen in ((), (noted,), (noted.replace(f" {checkpoint.size} ", " 2 "),)):
        expected = verify(bundle, vkey, seen)
        assert expected["exit"] == (2 if " 2 " in "".join(seen) else 0)
        assert await _ask(page, bundle, vkey, seen) == expected
    (layout.anchors / f"{checkpoint.size}-tsa.example" / "response.tsr").write_bytes(b"another")
    bundle = make_bundle(layout, tmp_path / "y.zip")
    assert await _ask(page, bundle, vkey) == verify(bundle, vkey)


async def test_it_accepts_none_of_the_false_ones_either(page: Page, bundle: bytes, vkey: str, tmp_path: Path) -> None:
    older = make_log(tmp_path / "older", 3).checkpoint.read_bytes()
    for what, data in mutants(bundle, older, 27):
        said = await _ask(page, data, vkey)
        assert said["exit"] == 1, what
        assert said["why"], what


async def test_a_page_from_a_bundle_can_reach_nothing(page: Page) -> None:
    tried = "fetch('http://127.0.0.1:9/').then(() => 'reached', (fault) => fault.name)"
    assert await page.run(tried) == "TypeError"
    assert any("Content Security Policy" in line for line in page.errors)
    page.errors.clear()
