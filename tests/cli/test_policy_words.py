"""cli.policy_words: a policy as sentences and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optout.cli.policy_words import compiled, listed, of_site, sentences, why
from optout.crawlers.registry import bundled_registry
from optout.errors import Problem
from optout.policy.loader import load_policy
from optout.policy.schema import ClauseForm, HeadForm

GOOD = Path(__file__).parent.parent / "cases" / "policy" / "good"


def _policy(name: str):  # type: ignore[no-untyped-def]
    return load_policy((GOOD / name).read_bytes(), name, bundled_registry())


def test_every_selector_and_step_is_put_into_words() -> None:
    assert list(sentences(_policy("everything.yaml"))) == [
        "everything.yaml, for photos.example, photos.example:8080, *.photos.example, xn--bcher-kva.example, "
        "shop.example: it enforces",
        "  always open: what carries terms and opt-outs, /rsl.xml, /tdm-policy.json, /terms",
        "  press (line 23): purpose train, standing contradicted or unverified, method GET or HEAD, "
        "path /press/ or *.txt$: passes",
        "  clause-2 (line 29): crawler oai-searchbot: as the site has published (only observed)",
        "  clause-3 (line 32): operator meta or openai, purpose dataset or train: refused (403) - "
        '"No training, please."',
        "  clause-4 (line 36): crawler googlebot, path /private/: refused (403)",
        "  clause-5 (line 40): every AI crawler: a license is required (402)",
        "  then: what /srv/photos/robots.txt disallows needs a license (402)",
        "  then: a TDM reservation asks training and dataset crawlers for a license (402)",
        "  else: an AI crawler needs a license (402)",
        "  if Optout itself fails: an AI crawler gets 503 and may come back; everybody else passes",
    ]


def test_a_policy_that_observes_says_so_first() -> None:
    first = next(sentences(_policy("minimal.yaml")))
    assert first == "minimal.yaml, for every site: it observes: what follows is recorded, and nobody is answered"


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_json_has_the_keys_of_the_file(path: Path) -> None:
    found = json.loads(json.dumps(compiled(_policy(path.name))))
    head = {field.alias or name for name, field in HeadForm.model_fields.items()} - {"version"}
    assert set(found) == head | {"file", "digest", "clauses", "always_open"}
    for clause in found["clauses"]:
        assert set(clause) == set(ClauseForm.model_fields) | {"line"}


def test_problems_for_a_program() -> None:
    problem = Problem(file="a.yaml", line=3, text="wrong", remedy="mend it")
    assert listed([problem]) == [{"file": "a.yaml", "line": 3, "text": "wrong", "remedy": "mend it"}]


def test_a_rollout_says_which_sites_are_enforced_and_how_many() -> None:
    assert next(sentences(_policy("rollout.yaml"))) == (
        "rollout.yaml, for photos.example, *.photos.example: it enforces *.shop.photos.example, photos.example:8080, "
        "12.5 percent of all sites (0 of the 1 that it names); the others observe"
    )


@pytest.mark.parametrize(
    ("name", "authority", "words"),
    [
        ("minimal.yaml", "photos.example", "the policy observes"),
        ("everything.yaml", "photos.example", "the policy enforces"),
        ("rollout.yaml", "photos.example:8080", "`enforce` names the site"),
        (
            "rollout.yaml",
            "photos.example",
            "the site's bucket is 2,088, and 12.5 percent are those below 1,250",
        ),
    ],
)
def test_whether_a_site_is_enforced_has_a_reason(name: str, authority: str, words: str) -> None:
    policy = _policy(name)
    assert why(policy, authority) == words
    assert of_site(policy, authority)["enforced"] is policy.enforces(authority)


def test_a_policy_that_publishes_itself_says_so() -> None:
    assert any(line.startswith("  publishes: robots.txt") for line in sentences(_policy("generated.yaml")))
    assert not any("publishes:" in line for line in sentences(_policy("minimal.yaml")))
