"""`optout crawlers verify`: what one request proves, told step by step, without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.crawlers import crawlers
from optout.errors import UsageError
from tests.signatures.signer import Signer, directory

SIGNER = Signer()
URL = "https://site.example/page"
AGENT = 'sig1="https://chatgpt.com"'
AT = "2025-11-24T16:00:00Z"  # the time for which the signer signs
PUBLISHED = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "directory.json"
    path.write_bytes(directory(SIGNER.jwk, {"kty": "oct"}, PUBLISHED))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(crawlers, ["verify", *map(str, words)])


def signed(*words: object, url: str = URL, **more: object) -> Result:
    headers = SIGNER.headers(URL, agent=AGENT, **more)  # type: ignore[arg-type]
    given = [part for name, value in headers for part in ("-H", f"{name}: {value}")]
    return run(*given, "--url", url, "--at", AT, *words)


def test_a_signed_request_is_explained_step_by_step(keys: Path) -> None:
    done = signed("--directory", keys, "-A", "Mozilla/5.0 Chrome/138.0.0.0", "--ip", "8.8.8.8")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "claim      ChatGPT agent (OpenAI), user-fetch: signature-agent says chatgpt.com",
        "addresses  no list of networks is published for it",
        "names      OpenAI documents none",
        "signature  verified, of chatgpt.com",
        '           covers "@authority" "signature-agent";key="sig1"',
        f"           key {SIGNER.keyid}, from 2025-11-24T15:59:50Z to 2025-11-24T16:04:50Z",
        "           key 2: its type is unknown",
        "           key 3: its private half is published, so anybody can sign with it",
        "standing   verified, by signature: the request is signed with a key of OpenAI",
    ]


def test_as_json_it_holds_all_that_it_takes_to_check_again(keys: Path) -> None:
    found = json.loads(signed("--directory", keys, "--json").output)
    assert (found["standing"], found["method"], found["signature"]["verdict"]) == ("verified", "signature", "verified")
    assert found["claim"]["name"] == "ChatGPT agent"
    assert found["signature"]["key"] == SIGNER.jwk
    assert found["signature"]["base"].startswith('"@authority": site.example\n')
    assert found["signature"]["nonce"] == "n1"
    assert len(found["signature"]["directory_sha256"]) == 64


@pytest.mark.parametrize(
    ("changed", "words", "verdict", "standing"),
    [
        ({}, ("--url", "https://other.example/", "--ip", "8.8.8.8"), "bad-signature", "contradicted"),
        ({}, ("--url", "https://other.example/"), "doubted", "unverified"),
        ({}, ("--at", "2025-11-24T17:00:00Z"), "expired", "unverified"),
        ({}, ("--at", "2025-11-24T15:00:00"), "not-yet-valid", "unverified"),
        ({"keyid": "other"}, (), "unknown-key", "unverified"),
        ({}, ("-A", "GPTBot/1.0"), "other-signer", "unverified"),
        ({"tag": "x"}, (), "wrong-tag", "unverified"),
    ],
)
def test_what_is_wrong_is_said_and_the_exit_code_is_one(
    keys: Path, changed: dict[str, object], words: tuple[str, ...], verdict: str, standing: str
) -> None:
    done = signed("--directory", keys, "--json", *words, **changed)
    found = json.loads(done.output)
    assert (found["signature"]["verdict"], found["standing"], done.exit_code) == (verdict, standing, 1)


def test_offline_nobody_is_asked() -> None:
    found = json.loads(signed("--offline", "--json").output)
    assert (found["signature"]["verdict"], found["method"]) == ("keys-unavailable", "unavailable")


def test_a_claim_without_a_signature_is_told_what_could_prove_it() -> None:
    lines = run("-A", "Mozilla/5.0 (compatible; Applebot/0.1)", "--ip", "8.8.8.8").output.splitlines()
    assert lines[0].startswith("claim      Applebot (Apple), ")
    assert lines[1] == "addresses  not looked up: no list was fetched, `optout crawlers update` does"
    assert lines[2] == "names      may end in .applebot.apple.com"
    assert lines[3:] == ["signature  unsigned", "standing   unverified, by none"]


def test_several_names_are_told() -> None:
    assert "it names GPTBot, Googlebot; the most restricted governs" in run("-A", "GPTBot/1.0 Googlebot/2.1").output


def test_who_claims_nothing_is_nobody() -> None:
    done = run("-A", "Mozilla/5.0 (X11; Linux x86_64)")
    assert (done.exit_code, done.output[:16]) == (1, "claim      none:")
    assert json.loads(run("--json").output)["claim"] is None


def test_what_a_stranger_sent_does_not_act_on_a_terminal(keys: Path) -> None:
    done = run("-A", "GPTBot/1.0 \x1b]8;;x\x07", "-H", 'Signature-Input: s=("\x1b[2J")', "--url", URL)
    assert all(line.isprintable() for line in done.output.splitlines())


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("-H", "Signature-Input: s=()"), "nothing says for which site"),
        (("-H", "nonsense"), "is no header field"),
        (("--url", "site.example"), "is no absolute URL"),
        (("--at", "yesterday"), "is no time"),
    ],
)
def test_what_cannot_be_used_is_refused(words: tuple[str, ...], fault: str) -> None:
    done = run(*words)
    assert isinstance(done.exception, UsageError)
    assert fault in done.exception.what
