"""`optout policy`: check, show, test, schema, as a person or a script runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.cli.policy_table import COLUMNS, VISITORS
from optout.errors import PolicyError, UsageError

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "policies" / "cases" / "example.yaml"
STANCES = ["observe", "no-training", "search-only", "license-required"]


def _run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["policy", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit | PolicyError | UsageError):
        raise result.exception
    return result


def _write(folder: Path, text: str, name: str = "site.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


GOOD = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\ncontact: me@photos.example\n"
WRONG = "version: 1\ndefault: block\non_error: allow\ntenant: a b\n"


@pytest.mark.parametrize("name", STANCES)
def test_a_ready_stance_has_no_problems(name: str) -> None:
    result = _run("check", name)
    assert result.exit_code == 0
    assert result.output.startswith(f"{name}.yaml: no problems")


def test_check_names_every_problem_and_ends_with_one(tmp_path: Path) -> None:
    result = _run("check", _write(tmp_path, WRONG))
    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.output.splitlines()] == ["site.yaml:2", "site.yaml:4"]


def test_check_as_json(tmp_path: Path) -> None:
    found = json.loads(_run("check", _write(tmp_path, WRONG), "--json").output)
    assert found["policies"] == []
    assert found["problems"][0] == {
        "file": "site.yaml",
        "line": 2,
        "text": "`default` is `block`, which is not one of allow, deny, require-license",
        "remedy": "did you mean deny?",
    }
    sound = json.loads(_run("check", _write(tmp_path, GOOD), "--json").output)
    assert sound["problems"] == []
    assert [(each["file"], each["mode"], each["sites"]) for each in sound["policies"]] == [
        ("site.yaml", "enforce", ["*"])
    ]


def test_check_of_a_directory_names_the_broken_file(tmp_path: Path) -> None:
    _write(tmp_path, GOOD + "sites: a.example\n", "a.yaml")
    _write(tmp_path, WRONG + "sites: b.example\n", "b.yaml")
    result = _run("check", tmp_path)
    assert result.exit_code == 1
    assert {line.split(":")[0] for line in result.output.splitlines()} == {"b.yaml"}


def test_check_strict_also_names_what_is_seldom_meant(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD.replace("photos.example", "example.org"))
    assert _run("check", path).exit_code == 0
    result = _run("check", path, "--strict")
    assert result.exit_code == 1
    assert "which is an example" in result.output


def test_check_of_nothing_is_a_usage_fault(tmp_path: Path) -> None:
    assert isinstance(_run("check", tmp_path / "none.yaml").exception, UsageError)


def test_a_hostile_policy_does_not_reach_the_terminal_unescaped(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD + '"\\x1b]8;;http://evil.example\\x07": a\n', "a\x1b[31m.yaml")
    output = _run("check", path).output
    assert "\x1b" not in output
    assert "\x07" not in output


def test_show_says_what_a_policy_does_in_the_order_of_access(tmp_path: Path) -> None:
    text = GOOD + "sites: photos.example\nterms: /terms\nclauses:\n  - {action: deny, purpose: train, reason: No.}\n"
    result = _run("show", _write(tmp_path, text))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "site.yaml, for photos.example: it enforces",
        "  always open: what carries terms and opt-outs, /terms",
        '  clause-1 (line 9): purpose train: refused (403) - "No."',
        "  then: what robots.txt disallows is refused (403)",
        "  then: a TDM reservation is declared in every answer and refuses nobody",
        "  else: an AI crawler passes",
        "  if Optout itself fails: an AI crawler passes; everybody else passes",
    ]


def test_show_as_json_has_every_default_filled_in(tmp_path: Path) -> None:
    found = json.loads(_run("show", _write(tmp_path, GOOD), "--json").output)
    (policy,) = found["policies"]
    assert policy["on_disallow"] == "deny"
    assert policy["evidence"] == {"required_for": ["dataset", "train"], "private": True, "retention_days": 180}
    assert len(found["digest"]) == 64


def test_show_of_a_broken_policy_is_a_fault(tmp_path: Path) -> None:
    assert isinstance(_run("show", _write(tmp_path, WRONG)).exception, PolicyError)


def test_the_table_answers_the_questions_that_owners_ask() -> None:
    found = json.loads(_run("show", "no-training", "--table", "--json").output)["policies"][0]
    assert found["questions"] == {
        "Do I vanish from Google?": "No.",
        "Do I vanish from ChatGPT search?": "No. When somebody asks, ChatGPT may open a page.",
        "Will my link previews break?": "No.",
    }
    assert len(found["visitors"]) == len(VISITORS)
    by_name = {row["visitor"]: row for row in found["visitors"]}
    assert by_name["ChatGPT training (GPTBot)"]["page"] == "no (403)"


def test_the_table_takes_the_sites_own_documents_into_account(tmp_path: Path) -> None:
    robots = _write(tmp_path, "User-agent: *\nDisallow: /images/\n", "robots.txt")
    tdmrep = _write(tmp_path, '[{"location": "/*", "tdm-reservation": 1}]', "tdmrep.json")
    arguments = ("show", "no-training", "--table", "--robots", robots, "--tdmrep", tdmrep, "--json")
    found = json.loads(_run(*arguments).output)["policies"][0]
    row = next(row for row in found["visitors"] if "OAI-SearchBot" in row["visitor"])
    assert (row["page"], row["image"]) == ("yes", "no (403)")
    assert row["told"] == "page: nothing: it gets what it asks for; image: your robots.txt: Disallow: /images/"


def test_the_table_as_a_person_sees_it() -> None:
    result = CliRunner(env={"COLUMNS": "240"}).invoke(main, ["policy", "show", "search-only", "--table"])
    assert result.exit_code == 0
    for word in (*COLUMNS, "Will my link previews break? No.", "ChatGPT-User"):
        assert word in result.output


def test_a_missing_document_is_a_usage_fault(tmp_path: Path) -> None:
    result = _run("show", "observe", "--table", "--robots", tmp_path / "none.txt")
    assert isinstance(result.exception, UsageError)


def test_the_example_cases_hold() -> None:
    result = _run("test", "no-training", EXAMPLE)
    assert result.output == "9 of 9 cases as expected\n"
    assert result.exit_code == 0


def test_a_difference_is_shown_with_its_reason() -> None:
    result = _run("test", "search-only", EXAMPLE)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("example.yaml:20: GET https://example.org/gallery/1.jpg from Mozilla/5.0")
    assert lines[1] == "  clause: expected no-training, got search-only"
    assert lines[2].startswith("  because: search-only.yaml:28 This site may be indexed")
    assert lines[-1] == "6 of 9 cases as expected"


def test_cases_as_json() -> None:
    found = json.loads(_run("test", "observe", EXAMPLE, "--json").output)
    assert (found["cases"], found["failed"]) == (9, 2)
    first = found["results"][0]
    assert (first["file"], first["line"], first["action"], first["status"]) == ("example.yaml", 20, "allow", 200)
    assert first["differences"]


def test_wrong_cases_are_a_fault(tmp_path: Path) -> None:
    assert isinstance(_run("test", "observe", _write(tmp_path, "cases: 1\n")).exception, PolicyError)
    assert isinstance(_run("test", "observe", tmp_path / "none.yaml").exception, UsageError)


def test_the_schema_is_the_published_one() -> None:
    published = (ROOT / "docs" / "policy.schema.json").read_text(encoding="utf-8")
    assert _run("schema").output == published


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("check", "no-training"), 0),
        (("check", "{wrong}"), 1),
        (("check", "nothing-like-it"), 2),
        (("show", "{wrong}"), 2),
        (("test", "observe", str(EXAMPLE)), 1),
        (("test", "no-training", str(EXAMPLE)), 0),
        (("check",), 2),
    ],
)
def test_exit_codes_are_yes_no_and_fault(arguments: tuple[str, ...], status: int, tmp_path: Path) -> None:
    wrong = str(_write(tmp_path, WRONG))
    command = [sys.executable, "-m", "optout", "policy", *(each.format(wrong=wrong) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_show_of_a_site_says_whether_it_is_enforced_and_why(tmp_path: Path) -> None:
    _write(tmp_path, GOOD + "sites: photos.example\nenforce: {percent: 12.5}\n", "a.yaml")
    _write(tmp_path, GOOD + "sites: shop.example\n", "b.yaml")
    lines = _run("show", tmp_path, "--site", "Photos.example:8443").output.splitlines()
    assert lines[0] == (
        "photos.example:8443: observed, because the site's bucket is 2,088, and 12.5 percent are those below 1,250"
    )
    assert lines[1].startswith("a.yaml, for photos.example: it enforces 12.5 percent of all sites (0 of the 1 that")
    assert not any("b.yaml" in line for line in lines)
    found = json.loads(_run("show", tmp_path, "--site", "shop.example", "--json").output)
    assert found["site"]["enforced"] is True
    assert [policy["file"] for policy in found["policies"]] == ["b.yaml"]


@pytest.mark.parametrize("site", ["other.example", "not a site", ""])
def test_show_of_a_site_without_a_policy_is_a_usage_fault(site: str, tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD + "sites: photos.example\n")
    assert isinstance(_run("show", path, "--site", site).exception, UsageError)


def test_a_table_is_of_no_single_site() -> None:
    assert isinstance(_run("show", "observe", "--site", "a.example", "--table").exception, UsageError)


def test_import_prints_a_policy_and_what_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "robots.txt"
    path.write_text("User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow: /admin/\n")
    done = _run("import", path, "--site", "photos.example")
    assert done.exit_code == 0
    assert 'crawler: ["GPTBot"]' in done.stdout
    assert done.stderr == "kept below the clauses: line 4, *: it is for everybody\n"
    made = _write(tmp_path, done.stdout)
    assert _run("check", made).exit_code == 0
    told = json.loads(_run("import", path, "--site", "photos.example", "--json").stdout)
    assert told["kept"] == [{"line": 4, "token": "*", "why": "it is for everybody"}]
    assert told["policy"] == done.stdout


def test_import_needs_the_name_of_a_site(tmp_path: Path) -> None:
    path = tmp_path / "robots.txt"
    path.write_text("")
    done = _run("import", path, "--site", "https://photos.example/")
    assert isinstance(done.exception, UsageError)
