"""`optout compile documents`: one policy as every file, field and element that publishes it, and what is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.compilers.documents import SiteDocuments
    from optout.crawlers.registry import Registry
    from optout.policy.model import Policy

HEADERS, ELEMENTS = "headers.txt", "head.html"
"""What the site's answers and pages should say, beside the files that go to the site as they are."""


def compile_documents(
    policy: Policy, registry: Registry, *, authority: str, robots: Path | None, out: Path | None, as_json: bool
) -> None:
    """Write the documents into `out`, or print them; tell the losses. `robots` is a file whose rules
    hold where no clause speaks."""
    import msgspec

    from optout.compilers import documents
    from optout.compilers.documents.pages import head_html, headers_txt

    if authority.startswith("*"):
        raise UsageError("the policy is for several sites", "name the site with --site")
    if robots is not None:
        policy = msgspec.structs.replace(policy, robots_base=_text(robots))
    made = documents.compile_documents(policy, registry, authority=authority)
    files = {path.lstrip("/"): served.data for path, served in made.files.items()}
    files |= {HEADERS: headers_txt(made.sections), ELEMENTS: head_html(made.sections)}
    files = {name: data for name, data in files.items() if data}
    if out is not None:
        _write(files, out)
    if as_json:
        click.echo(json.dumps(_as_json(files, made)))
        return
    if out is None:
        click.echo("\n".join(f"--- {name}\n{data.decode()}" for name, data in files.items()), nl=False)
    lines = [f"wrote {safe(str(out / name))}" for name in files] if out is not None else []
    lines += [f"loss {loss.code}: {safe(loss.text, 1000)}\n  {loss.remedy}" for loss in made.losses]
    click.echo("\n".join(lines), err=True)


def _text(robots: Path) -> str:
    from optout.robots.parser import SIZE_LIMIT

    try:
        with robots.open("rb") as file:
            return file.read(SIZE_LIMIT + 1).decode("utf-8", "surrogateescape")
    except OSError as fault:
        raise UsageError(f"cannot read {robots}: {fault.strerror}", "give a file that exists") from fault


def _as_json(files: dict[str, bytes], made: SiteDocuments) -> dict[str, object]:
    return {
        "files": {name: data.decode() for name, data in files.items()},
        "media_types": {path.lstrip("/"): served.media_type for path, served in made.files.items()},
        "sections": [
            {"path": each.pattern, "fields": [list(field) for field in each.fields], "elements": list(each.elements)}
            for each in made.sections
        ],
        "losses": [{"code": each.code, "text": each.text, "remedy": each.remedy} for each in made.losses],
    }


def _write(files: dict[str, bytes], out: Path) -> None:
    try:
        for name, data in files.items():
            place = out / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    except OSError as fault:
        raise UsageError(f"cannot write into {out}: {fault.strerror}", "name another directory with --out") from fault
