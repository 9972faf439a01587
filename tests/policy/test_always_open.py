"""policy.always_open: the list of standards.md part 1.4."""

from __future__ import annotations

import pytest

from optout.policy.always_open import ACME_CHALLENGE, ACME_PREFIX, ALWAYS_OPEN_PATHS


@pytest.mark.parametrize(
    "path",
    [
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/license.xml",
        "/ai.txt",
        "/trust.txt",
        "/.well-known/trust.txt",
        "/llms.txt",
        "/.well-known/security.txt",
        "/.well-known/http-message-signatures-directory",
    ],
)
def test_what_carries_terms_or_opt_outs_is_open(path: str) -> None:
    assert path in ALWAYS_OPEN_PATHS


@pytest.mark.parametrize("token", ["evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", "a", "_-9"])
def test_a_certificate_challenge_is_open(token: str) -> None:
    assert ACME_CHALLENGE.match(ACME_PREFIX + token)


@pytest.mark.parametrize("token", ["", "../../etc/passwd", "a/b", "a.html", "a%2e", "a\n", "ä", "²"])
def test_what_is_no_challenge_token_is_not(token: str) -> None:
    assert not ACME_CHALLENGE.match(ACME_PREFIX + token)
