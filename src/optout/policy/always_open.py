"""What answers everybody, whatever a policy says (design part 5.4, standards.md part 1.4).

Refusing one of these switches other people's opt-out off (RFC 9309 section 2.3.1.3: a robots.txt that cannot be had
allows everything), breaks certificates, or hides the terms under which a refused crawler could come back.
"""

from __future__ import annotations

import re

ALWAYS_OPEN_PATHS = frozenset(
    {
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/license.xml",
        "/ai.txt",
        "/trust.txt",
        "/.well-known/trust.txt",
        "/llms.txt",
        "/.well-known/security.txt",
        "/.well-known/http-message-signatures-directory",
    }
)
ACME_PREFIX = "/.well-known/acme-challenge/"
# Tokens are base64url (RFC 8555 section 8.3); anything looser was a traversal (GHSA-79fm-4xj6-pp5g).
ACME_CHALLENGE = re.compile(re.escape(ACME_PREFIX) + r"[A-Za-z0-9_-]+\Z", re.ASCII)
