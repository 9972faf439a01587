"""`optout evidence show` checks a crawler's own signature again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optout.signatures.directory import parse_directory
from optout.signatures.proof import keep
from optout.signatures.verification import check, present
from optout.testing import make_request
from tests.cli.evidence.setting import run
from tests.evidence.setting import SOON_S, crawl, open_log
from tests.signatures.signer import HOST, NOW, Signer, directory

DIRECTORY = directory(Signer().jwk)


def _signed() -> dict[str, object]:
    signer, keys = Signer(), parse_directory(DIRECTORY)
    shown = present(make_request("https://example.org/", headers=signer.headers("https://example.org/")), {HOST})
    assert shown.signature is not None
    value = shown.signature.value
    return {
        **keep(
            shown, check(keyid=signer.keyid, base=shown.base, value=value, keys=keys, now_s=NOW), shows_path=True
        ).public
    }


SIGNED = _signed()


@pytest.mark.parametrize(
    ("changed", "found", "words"),
    [
        ({}, "good", "signature  good: the holder of signature.key signed"),
        ({"server.address": "other.example"}, "elsewhere", "made for another site"),
        ({"signature.value": "A" * 86 + "=="}, "bad", "signature  bad: signature.key did not sign"),
        ({"signature.base": None}, "sealed", "--private shows it"),
        ({"signature.key": "x"}, "incomplete", "cannot be checked"),
    ],
)
def test_show_checks_a_crawlers_own_signature_again(
    tmp_path: Path, changed: dict[str, object], found: str, words: str
) -> None:
    log = open_log(tmp_path / "new")
    log.append(crawl(1, **{**SIGNED, **changed})).result(SOON_S)
    log.close()
    record_id = "00000000-0000-7000-8000-000000000001"
    assert words in run("show", tmp_path / "new", record_id).output
    assert json.loads(run("show", tmp_path / "new", record_id, "--json").output)["signature"] == found


@pytest.mark.parametrize(("content", "listed"), [(DIRECTORY, True), (b"{}", False), (None, False)])
def test_show_looks_for_the_key_in_the_directory_that_was_kept(
    tmp_path: Path, content: bytes | None, listed: bool
) -> None:
    log = open_log(tmp_path / "new")
    digest = log.snapshot("key-directory", DIRECTORY, host=HOST)
    log.append(crawl(1, **SIGNED)).result(SOON_S)
    log.close()
    kept = tmp_path / "new" / "snapshots" / digest
    kept.unlink()
    if content is not None:
        kept.write_bytes(content)
    record_id = "00000000-0000-7000-8000-000000000001"
    assert json.loads(run("show", tmp_path / "new", record_id, "--json").output)["signature_key_listed"] is listed
    assert ("its key    yes" in run("show", tmp_path / "new", record_id).output) is listed


def test_show_says_nothing_of_a_signature_that_is_not_there(home: Path) -> None:
    assert "\nsignature  " not in run("show", home, "4").output
    assert json.loads(run("show", home, "4", "--json").output)["signature"] == "none"
