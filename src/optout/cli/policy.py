"""`optout policy`: is a policy right, what does it mean, does it still do what its owner expects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.policy_diff import diff
from optout.cli.policy_replay import replay
from optout.cli.terminal import safe
from optout.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from optout.cli.policy_table import Table
    from optout.engine import Outcome
    from optout.errors import Problem
    from optout.policy.model import Policy, PolicySet

_UNCUT = 10_000  # what the operator's own file says is escaped, not cut


@click.group()
def policy() -> None:
    """Policies: who may take what from a site, and what they are told."""


policy.add_command(diff)
policy.add_command(replay)


@policy.command()
@click.argument("path", metavar="FILE|DIR|NAME")
@click.option("--strict", is_flag=True, help="Also name what is allowed but seldom meant, such as no contact.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(path: str, strict: bool, as_json: bool) -> None:
    """Say everything that is wrong with a policy, each with its line and a remedy.

    Exit code: 0 clean, 1 problems, 2 the policy could not be read.
    """
    from optout.cli.policy_words import brief, listed
    from optout.policy.advice import advise

    policies, problems = _load(path)
    if strict:
        problems = (*problems, *(remark for found in policies for remark in advise(found)))
    if as_json:
        click.echo(json.dumps({"policies": [brief(each) for each in policies], "problems": listed(problems)}))
    elif problems:
        click.echo("\n".join(safe(str(problem), _UNCUT) for problem in problems))
    else:
        click.echo("\n".join(f"{safe(each.file)}: no problems, {each.mode}" for each in policies))
    click.get_current_context().exit(1 if problems else 0)


@policy.command()
@click.argument("path", metavar="FILE|DIR|NAME")
@click.option("--table", "as_table", is_flag=True, help="A line for each visitor that a person knows.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The table, as Markdown.")
@click.option("--robots", type=click.Path(path_type=Path), help="With --table: the site's robots.txt, from a file.")
@click.option("--tdmrep", type=click.Path(path_type=Path), help="With --table: the site's tdmrep.json, from a file.")
@click.option("--site", metavar="SITE", help="Only the policy of this site, and whether it is enforced there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(
    path: str,
    as_table: bool,
    as_markdown: bool,
    robots: Path | None,
    tdmrep: Path | None,
    site: str | None,
    as_json: bool,
) -> None:
    """Say in plain words what a policy does; with --table, for each visitor that a person knows.

    Exit code: 0 shown, 2 the policy cannot be used.
    """
    from optout.cli.policy_words import compiled, sentences

    policies = _sound(path)
    if site is not None and (as_table or as_markdown):
        raise UsageError("--site says whether a policy is enforced; a table does not", "leave one of the two out")
    if site is not None:
        _show_site(policies, site, as_json=as_json)
    elif as_table or as_markdown:
        _print_tables(_tables(policies, robots, tdmrep), as_json=as_json, as_markdown=as_markdown)
    elif as_json:
        click.echo(json.dumps({"policies": [compiled(each) for each in policies], "digest": policies.digest}))
    else:
        click.echo("\n\n".join("\n".join(safe(line, _UNCUT) for line in sentences(each)) for each in policies))


def _show_site(policies: PolicySet, site: str, *, as_json: bool) -> None:
    """The policy that governs `site`, and whether it is enforced there."""
    from optout.cli.policy_words import compiled, of_site, sentences
    from optout.messages import parse_authority

    authority = parse_authority(site, "https")
    found = policies.find(authority) if authority is not None else None
    if authority is None or found is None:
        raise UsageError(f"no policy is for {safe(site)}", "name a site as a request does, such as photos.example")
    facts = of_site(found, authority)
    if as_json:
        click.echo(json.dumps({"policies": [compiled(found)], "site": facts}))
        return
    does = "enforced" if facts["enforced"] else "observed"
    lines = [f"{authority}: {does}, because {facts['why']}", *sentences(found)]
    click.echo("\n".join(safe(line, _UNCUT) for line in lines))


@policy.command(name="test")
@click.argument("path", metavar="FILE|DIR|NAME")
@click.argument("cases", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run_cases(path: str, cases: Path, as_json: bool) -> None:
    """Try a policy on the requests in CASES and compare with what is expected there.

    Exit code: 0 all as expected, 1 differences, 2 the policy or the cases cannot be used.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.cli.policy_trial import run
    from optout.engine import Engine
    from optout.policy.cases import load_cases

    engine = Engine(_sound(path), registry_in_use())
    results = [run(engine, case) for case in load_cases(_bytes(cases), cases.name)]
    failed = [result for result in results if result.differences]
    if as_json:
        found = [result.as_object() for result in results]
        click.echo(json.dumps({"cases": len(results), "failed": len(failed), "results": found}))
    else:
        for result in failed:
            click.echo("\n".join(safe(line, _UNCUT) for line in result.lines()))
        click.echo(f"{len(results) - len(failed)} of {len(results)} cases as expected")
    click.get_current_context().exit(1 if failed else 0)


@policy.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--site", required=True, metavar="AUTHORITY", help="The site whose robots.txt it is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_(file: str, site: str, as_json: bool) -> None:
    """Take a robots.txt (FILE, - is standard input) over into a policy, without losing a rule.

    Prints the policy. Rules for AI crawlers become clauses; which user agents keep theirs as robots.txt inside the
    policy, and why, is told beside it.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.messages import parse_authority
    from optout.policy.imported import import_robots
    from optout.policy.loader import load_policy

    authority = parse_authority(site, "https")
    if authority is None:
        raise UsageError(f"{safe(site)} is no host name", "write it like photos.example, without https://")
    with click.open_file(file, "rb") as stream:
        found = import_robots(stream.read(), registry_in_use(), site=authority)
    load_policy(found.text.encode(), "the policy that was made", registry_in_use())
    if as_json:
        kept = [{"line": each.line, "token": each.token, "why": each.why} for each in found.kept]
        click.echo(json.dumps({"policy": found.text, "kept": kept}))
        return
    click.echo(found.text, nl=False)
    lines = (f"kept below the clauses: line {each.line}, {safe(each.token)}: {each.why}" for each in found.kept)
    click.echo("\n".join(lines), err=True)


@policy.command()
def schema() -> None:
    """Print the JSON Schema of a policy file, for editors that complete keys."""
    from optout.policy.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _load(path: str) -> tuple[PolicySet, tuple[Problem, ...]]:
    """The policies that are sound, and all problems; a single broken file leaves no policy."""
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.policy_files import load_policy_set
    from optout.policy.loader import policy_set

    try:
        return load_policy_set(path, registry_in_use())
    except PolicyError as error:
        return policy_set(()), error.problems


def _sound(path: str) -> PolicySet:
    """The policies at `path`; PolicyError if anything is wrong with any."""
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.policy_files import load_policy_set

    return load_policy_set(path, registry_in_use(), strict=True)[0]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{safe(str(path))} cannot be read: {error.strerror}", "name a file that exists") from error


def _tables(policies: PolicySet, robots: Path | None, tdmrep: Path | None) -> list[Table]:
    from optout.adapters.crawler_files import registry_in_use
    from optout.cli.policy_table import example_site, table
    from optout.cli.policy_trial import publishes
    from optout.engine import Engine
    from optout.testing import make_request

    registry = registry_in_use()
    engine = Engine(policies, registry)
    documents = (_bytes(robots) if robots else None, _bytes(tdmrep) if tdmrep else None)

    def one(found: Policy) -> Table:
        site = example_site(found)
        published = publishes(*documents, site)

        def answer(user_agent: str, path: str) -> Outcome | None:
            return engine.explain(make_request(f"https://{site}{path}", user_agent), published)

        return table(found, registry, answer)

    return [one(found) for found in policies]


def _print_tables(tables: Sequence[Table], *, as_json: bool, as_markdown: bool) -> None:
    from optout.cli.policy_table import as_rows, markdown

    if as_json:
        click.echo(json.dumps({"policies": [as_rows(each) for each in tables]}))
        return
    for each in tables:
        if as_markdown:
            click.echo(markdown(each), nl=False)
        else:
            _print_table(each)


def _print_table(found: Table) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    from optout.cli.policy_table import COLUMNS

    console = Console(highlight=False)
    console.print(f"[bold]{escape(safe(found.policy.file))}[/bold]")
    for question, text in found.questions.items():
        console.print(f"  {question} [bold]{escape(text)}[/bold]")
    drawn = RichTable(show_lines=True)
    for name in COLUMNS:
        drawn.add_column(name, overflow="fold")
    for row in found.rows:
        drawn.add_row(*(escape(safe(cell, _UNCUT)) for cell in row.cells))
    console.print(drawn)
