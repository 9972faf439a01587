"""`optout compile documents`: files below a directory or on the terminal, and the losses beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.compile import compile_policy
from optout.errors import OptoutError

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
sites: [site.example]
contact: me@site.example
license: /rsl/license.xml
tdm_policy: https://site.example/tdm.json
clauses:
  - {id: none, action: deny, purpose: [train, dataset]}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(compile_policy, ["documents", *arguments], catch_exceptions=False)


def test_files_are_written_where_the_site_has_them(policy: str, tmp_path: Path) -> None:
    out = tmp_path / "public"
    (tmp_path / "old.txt").write_text("Sitemap: https://site.example/s.xml\nUser-agent: *\nDisallow: /\n")
    done = run("--policy", policy, "--out", str(out), "--robots", str(tmp_path / "old.txt"))
    assert done.exit_code == 0
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == {
        "robots.txt", ".well-known/tdmrep.json", "rsl/license.xml", "tdm.json", "ai.txt", "headers.txt", "head.html",
    }  # fmt: skip
    assert (out / "robots.txt").read_text().endswith("Sitemap: https://site.example/s.xml\n")
    assert "loss one-bit: " in done.stderr
    assert done.stdout == ""


def test_without_a_directory_everything_is_printed(policy: str) -> None:
    done = run("--policy", policy)
    assert "--- .well-known/tdmrep.json\n[\n" in done.stdout
    assert "--- headers.txt\n# /\ntdm-reservation: 1\n" in done.stdout


def test_json_holds_files_types_sections_and_losses(policy: str) -> None:
    told = json.loads(run("--policy", policy, "--site", "site.example", "--json").stdout)
    assert set(told) == {"files", "media_types", "sections", "losses"}
    assert told["media_types"]["rsl/license.xml"] == "application/rsl+xml"
    assert told["sections"][0]["path"] == "/"
    assert {"code", "text", "remedy"} == set(told["losses"][0])


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--upstream", "http://127.0.0.1:1"), "for front ends"),
        (("--robots", "/nowhere/at/all"), "cannot read"),
        (("--out", "/dev/null/x"), "cannot write"),
    ],
)
def test_what_makes_no_sense_is_told(policy: str, arguments: tuple[str, ...], what: str) -> None:
    with pytest.raises(OptoutError, match=what):
        run("--policy", policy, *arguments)


def test_a_policy_for_many_sites_needs_a_name(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(POLICY.replace("[site.example]", '["*.site.example"]'))
    with pytest.raises(OptoutError, match="several sites"):
        run("--policy", str(path))
    assert run("--policy", str(path), "--site", "a.site.example").exit_code == 0
