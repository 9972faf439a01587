"""The browser's verifier as it goes out: `verify.html`, with the hashes of its own script and style in its policy.

The page can load nothing, send nothing and run nothing but its own script: its Content-Security-Policy names that by
hash (CSP Level 3, section 2.3.1). The file in the tree has marks where the hashes go.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

_PARTS = (
    (b"SCRIPT", re.compile(rb"<script>(.*?)</script>", re.DOTALL)),
    (b"STYLE", re.compile(rb"<style>(.*?)</style>", re.DOTALL)),
)


def verifier_page() -> bytes:
    """The page's bytes."""
    page = (files("optout.evidence.bundle") / "verify.html").read_bytes()
    for mark, part in _PARTS:
        found = part.search(page)
        assert found is not None  # noqa: S101  our own file
        digest = base64.b64encode(hashlib.sha256(found.group(1)).digest())
        page = page.replace(b"sha256-" + mark, b"sha256-" + digest, 1)
    return page
