"""`optout init`: a few questions, and the files that put Optout before a site."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.init import Made
    from optout.adapters.init.answers import Answers
    from optout.adapters.init.detect import Detected

_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_FRONTS = ("nothing", "nginx", "nginx-php-fpm", "caddy", "apache", "haproxy", "aiohttp", "asgi", "wsgi")
_STANCES = ("no-training", "search-only", "license-required", "observe")


@click.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@click.option("--front", type=click.Choice(_FRONTS), help="What takes visitors' connections now.")
@click.option("--stance", type=click.Choice(_STANCES), help="What AI crawlers are told.")
@click.option("--site", "sites", multiple=True, metavar="NAME", help="A host name of the site; repeat it for each.")
@click.option("--origin", metavar="URL", help="Where the site answers now; robots.txt is read there.")
@click.option("--contact", metavar="ADDRESS", help="Where people and buyers can write to; it stands in refusals.")
@click.option("--terms", metavar="URL", help="The page with your terms; it stands in refusals.")
@click.option("--observe/--enforce", default=None, help="Refuse nobody at first, or at once what the stance says.")
@click.option("--evidence", type=_DIRECTORY, help="Where the evidence log goes.")
@click.option("--state", type=_DIRECTORY, help="The directory of the off switch.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the options, and for the rest what was found.")
@click.option("--undo", "undoing", is_flag=True, help="Remove what was written into DIR and not changed since.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --yes.")
def init(
    directory: Path,
    front: str | None,
    stance: str | None,
    sites: tuple[str, ...],
    origin: str | None,
    contact: str | None,
    terms: str | None,
    observe: bool | None,
    evidence: Path | None,
    state: Path | None,
    yes: bool,
    undoing: bool,
    as_json: bool,
) -> None:
    """Write a policy, and what puts it before your site, into DIR; then say what to type next.

    It asks for what no option says, and finds sensible answers by itself. Nothing outside DIR is written, nothing is
    written over, and nothing is started. DIR/UNDO.md says how to go back.
    """
    if undoing:
        _undo(directory, as_json=as_json)
        return
    for package in ("aiohttp",):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"{package} is not installed", "install Optout with it: pip install 'optout[serve]'")
    import asyncio

    from optout.adapters.init import set_up
    from optout.adapters.init.answers import Answers, Front
    from optout.adapters.init.detect import detect
    from optout.adapters.switch import default_state_directory

    found, ask = detect(), _Questions(silent=yes)
    chosen = Front(front or ask.choice("What takes visitors' connections now", _FRONTS, found.front.value))
    names = sites or tuple(ask.text("The site's host names", " ".join(found.names)).split())
    named = _names(names)
    place = state or default_state_directory()
    answers = Answers(
        directory=directory.absolute(),
        front=chosen,
        stance=stance or ask.choice("What AI crawlers are told", _STANCES, "no-training"),
        sites=named,
        origin=_origin(origin or ask.text("Where the site answers now", _found_origin(found, chosen, named[0]))),
        observe=ask.yes("Observe first, and refuse nobody yet", default=True) if observe is None else observe,
        contact=ask.text("Where people can write to (may be empty)", "") if contact is None else contact,
        terms=ask.text("The page with your terms (may be empty)", "") if terms is None else terms,
        evidence=(evidence or Path(ask.text("Where the evidence goes", str(place / "evidence")))).absolute(),
        state=place.absolute(),
        program=_program(),
    )
    made = asyncio.run(set_up(answers))
    click.echo(json.dumps(_as_json(answers, made)) if as_json else _text(answers, made))


def _program() -> Path:
    """The command that a service can start: the one on the path, else the one beside this Python."""
    found = shutil.which("optout") or str(Path(sys.executable).with_name("optout"))
    return Path(found).absolute()


class _Questions:
    """Asks on the terminal, or takes what was found."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def choice(self, question: str, choices: tuple[str, ...], default: str) -> str:
        if self._silent:
            return default
        return str(click.prompt(question, default=default, type=click.Choice(choices), err=True))

    def text(self, question: str, default: str) -> str:
        if self._silent:
            return default
        return str(click.prompt(question, default=default, show_default=bool(default), err=True)).strip()

    def yes(self, question: str, *, default: bool) -> bool:
        return default if self._silent else click.confirm(question, default=default, err=True)


def _names(words: tuple[str, ...]) -> tuple[str, ...]:
    from optout.cli.terminal import safe
    from optout.messages import parse_authority

    names = []
    for word in words:
        name = parse_authority(word, "https")
        if name is None or ":" in name:
            raise UsageError(f"{safe(word)} is no host name", "write it like photos.example")
        names.append(name)
    if not names:
        raise UsageError("nobody said how the site is called", "name it: --site photos.example")
    return tuple(dict.fromkeys(names))


def _found_origin(found: Detected, front: object, site: str) -> str:
    from optout.adapters.init.answers import COMPILED, ROUTED
    from optout.adapters.init.detect import is_listening

    if front in COMPILED | ROUTED:
        return f"https://{site}" if is_listening(443) else "http://127.0.0.1"
    return found.origin or "http://127.0.0.1:8000"


def _origin(text: str) -> str:
    from optout.cli.terminal import safe
    from optout.messages import parse_authority

    scheme, _, rest = text.partition("://")
    if scheme not in ("http", "https") or parse_authority(rest.rstrip("/"), scheme) is None:
        raise UsageError(f"{safe(text)} is no URL of a site", "write it like http://127.0.0.1:8000, without a path")
    return text.rstrip("/")


def _undo(directory: Path, *, as_json: bool) -> None:
    from optout.adapters.init.files import undo
    from optout.cli.terminal import safe

    done = undo(directory)
    if as_json:
        click.echo(json.dumps({"removed": list(done.removed), "kept": list(done.kept)}))
        return
    lines = [f"removed  {safe(name)}" for name in done.removed]
    lines += [f"kept     {safe(name)}, because it was changed" for name in done.kept]
    click.echo("\n".join([*lines, "What was typed outside of it is undone by the other lines of UNDO.md."]))


def _as_json(answers: Answers, made: Made) -> dict[str, object]:
    return {
        "directory": str(answers.directory),
        "front": answers.front.value,
        "files": list(made.files),
        "first": list(made.first),
        "next": list(made.steps),
        "then": list(made.then),
        "again": made.again,
        "undo": list(made.undo),
        "remarks": list(made.remarks),
        "losses": [{"code": loss.code, "text": loss.text, "remedy": loss.remedy} for loss in made.losses],
    }


def _text(answers: Answers, made: Made) -> str:
    from optout.adapters.init.answers import ROUTED
    from optout.cli.terminal import safe

    lines = [f"wrote {', '.join(made.files)} into {answers.directory}", *(f"remark: {each}" for each in made.remarks)]
    if made.first:
        lines += ["", "First:", *(f"    {line}" for line in made.first)]
    lines += ["", "Next:", *(f"    {line}" for line in made.steps)]
    lines += ["Then:", *(f"    {line}" for line in made.then)]
    if made.losses:
        lines += ["", "What this front end cannot do (more in the files' heads):"]
        lines += [f"    {loss.code}: {loss.text}" for loss in made.losses]
    if answers.observe:
        enforce = f"write `mode: enforce` in {answers.directory}/policy.yaml"
        lines += ["", f"Nobody is refused yet. When you have seen enough, {enforce}."]
    if made.again and answers.front in ROUTED:
        lines += [
            "A changed policy is in force within a second. What visitors meet while Optout is down, and what is"
            " declared to them, stands in the files: after a change of `mode`, `on_error` or tdmrep.json type",
            f"    {made.again}",
        ]
    elif made.again:
        lines += ["After each change of the policy or of robots.txt:", f"    {made.again}"]
    lines += ["", f"To go back: {answers.directory}/UNDO.md"]
    return "\n".join(safe(line, 600) for line in lines)
