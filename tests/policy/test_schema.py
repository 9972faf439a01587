"""policy.schema: the keys, their published schema, and their page in the docs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from optout.cli.policy_trial import run
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.policy.cases import load_cases
from optout.policy.loader import load_policy, policy_set
from optout.policy.schema import FORMS, ClauseForm, HeadForm, PolicyForm, json_schema
from optout.policy.vocabulary import vocabulary

ROOT = Path(__file__).parent.parent.parent
DOCS = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
CONTEXT = vocabulary(bundled_registry())


def _keys(form: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in form.model_fields.items()]


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.__name__)
def test_every_key_is_described(form: type[BaseModel]) -> None:
    undescribed = [name for name, field in form.model_fields.items() if not (field.description or field.default)]
    assert undescribed == []


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.__name__)
def test_the_docs_have_a_row_for_every_key(form: type[BaseModel]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", DOCS, re.MULTILINE)
    assert [key for key in _keys(form) if key not in rows] == []


def test_the_docs_name_every_word_that_a_key_may_hold() -> None:
    words = set(re.findall(r'"([a-z-]+)"', json.dumps([_enums(each) for each in json_schema()["$defs"].values()])))  # type: ignore[attr-defined]
    assert {word for word in words if f"`{word}`" not in DOCS} == set()


def _enums(schema: object) -> list[object]:
    if isinstance(schema, dict):
        own = [schema["enum"]] if "enum" in schema else []
        return own + [found for value in schema.values() for found in _enums(value)]
    if isinstance(schema, list):
        return [found for value in schema for found in _enums(value)]
    return []


def test_the_schema_requires_what_the_loader_requires() -> None:
    schema = json_schema()
    assert schema["required"] == ["version", "default", "on_error"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == _keys(PolicyForm)  # type: ignore[call-overload]


def test_the_schema_offers_nothing_that_the_loader_refuses() -> None:
    text = json.dumps(json_schema())
    assert "control-token" not in text
    assert '"default": []' not in text
    assert '"default": ""' not in text


def test_a_selector_is_a_word_or_a_list_that_is_not_empty() -> None:
    crawler = json_schema()["$defs"]["ClauseForm"]["properties"]["crawler"]  # type: ignore[index]
    assert crawler["anyOf"] == [
        {"type": "string"},
        {"items": {"type": "string"}, "minItems": 1, "type": "array"},
    ]


def test_a_word_stands_for_a_list_of_one() -> None:
    one = ClauseForm.model_validate({"action": "deny", "crawler": "GPTBot"}, context=CONTEXT)
    many = ClauseForm.model_validate({"action": "deny", "crawler": ["GPTBot"]}, context=CONTEXT)
    assert one == many


@pytest.mark.parametrize(
    ("word", "truth"), [("true", True), ("Yes", True), ("on", True), ("no", False), ("OFF", False)]
)
def test_truth_may_be_written_in_yamls_words(word: str, truth: bool) -> None:
    form = ClauseForm.model_validate({"action": "deny", "including_search": word}, context=CONTEXT)
    assert form.including_search is truth


def test_evidence_may_be_required_for_nobody() -> None:
    form = HeadForm.model_validate(
        {"version": "1", "default": "allow", "on_error": "allow", "evidence": {"required_for": []}}, context=CONTEXT
    )
    assert form.evidence.required_for == ()


def test_the_example_in_the_docs_does_what_its_cases_say() -> None:
    policy, cases = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    engine = Engine(policy_set([load_policy(policy.encode(), "policy.yaml", bundled_registry())]), bundled_registry())
    results = [run(engine, case) for case in load_cases(cases.encode(), "cases.yaml")]
    assert results
    assert [result.differences for result in results if result.differences] == []
