"""The browser's verifier: what it may do. What it says is in test_browser.py."""

from __future__ import annotations

import base64
import hashlib
import re

from optout.evidence.bundle.page import verifier_page


def test_it_may_run_its_own_script_and_nothing_else() -> None:
    page = verifier_page().decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    hashes = {}
    for part in ("script", "style"):
        (content,) = re.findall(rf"<{part}>(.*?)</{part}>", page, re.DOTALL)
        hashes[part] = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert policy.group(1) == (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'"
    )


def test_it_names_no_place_outside_itself() -> None:
    page = verifier_page().decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "innerHTML" not in page
