"""`optout compile`: a policy as a front end's own configuration, and what that cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.cli.compile_fronts import Compiled
    from optout.compilers.edge import Edge
    from optout.crawlers.registry import Registry
    from optout.policy.model import Policy
    from optout.signals.declaration import Document, Published

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("compile")
@click.argument("front", type=click.Choice(["nginx", "caddy", "haproxy", "apache", "documents"]))
@click.option("--policy", required=True, metavar="FILE|NAME", help="A policy file, or a ready stance's name.")
@click.option("--site", metavar="AUTHORITY", help="The site, as browsers name it: host, and port if there is one.")
@click.option("--upstream", metavar="URL", help="Read robots.txt and tdmrep.json there, once.")
@click.option("--robots", type=_FILE, help="Read robots.txt from a file.")
@click.option("--tdmrep", type=_FILE, help="Read tdmrep.json from a file.")
@click.option("--route", is_flag=True, help="Send possible crawlers to Optout, decide nothing here: not for haproxy.")
@click.option("--socket", metavar="unix:PATH", help="With --route: where Optout listens.")
@click.option("--log", metavar="PATH", help="Where the front end writes its line for each crawler's request.")
@click.option("--place", metavar="DIR", help="Where the front end finds the files, if not in --out.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the files there; else print them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: files and losses.")
def compile_policy(
    front: str,
    policy: str,
    site: str | None,
    upstream: str | None,
    robots: Path | None,
    tdmrep: Path | None,
    route: bool,
    socket: str | None,
    log: str | None,
    place: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write a policy down as configuration of nginx, Caddy, HAProxy or Apache, or as the documents that publish it.

    The front end then recognizes crawlers, decides by path and answers by itself. What it cannot do is listed at the
    end, each with a remedy. With --route it asks Optout instead, but only about what may be a crawler.

    `documents` writes robots.txt, tdmrep.json, license.xml and all else that says to the world what the policy says at
    the door. The rules of a robots.txt that --robots gives are kept where no clause speaks.
    """
    from optout.adapters.crawler_files import registry_in_use

    registry = registry_in_use()
    if front == "documents":
        from optout.cli.compile_documents import compile_documents

        if route or socket or log or place or upstream or tdmrep:
            raise UsageError("this option is for front ends", "`compile documents` takes --site, --robots and --out")
        loaded = _load(policy, site, registry)
        authority = _authority(site) if site else loaded.sites[0]
        compile_documents(loaded, registry, authority=authority, robots=robots, out=out, as_json=as_json)
        return
    loaded = _load(policy, site, registry)
    base = Path(policy).parent
    if route:
        edge = _edge(loaded, registry, site, upstream, _files(loaded, base, robots, tdmrep)) if site else None
        compiled = _route(front, loaded, registry, edge, socket)
    else:
        from optout.cli.compile_fronts import compile_for

        _without_route(site, socket)
        edge = _edge(loaded, registry, site or "", upstream, _files(loaded, base, robots, tdmrep))
        where = place or (str(out.resolve()) if out and front in ("haproxy", "apache") else "")
        compiled = compile_for(front, edge, registry, log=log or "", place=where)
    if out is not None:
        _write(compiled, out)
    if as_json:
        losses = [{"code": each.code, "text": each.text, "remedy": each.remedy} for each in compiled.losses]
        click.echo(json.dumps({"files": dict(compiled.files), "losses": losses}, ensure_ascii=True))
        return
    if out is None:
        click.echo("\n".join(compiled.files.values()), nl=False)
    _tell(front, compiled, out)


def _without_route(site: str | None, socket: str | None) -> None:
    if not site:
        raise UsageError("no site is named", "give --site, the name that browsers have for it")
    if socket:
        raise UsageError("--socket is for --route", "leave it out, or add --route")


def _load(policy: str, site: str | None, registry: Registry) -> Policy:
    """The policy for the site; the only one, where no site is named."""
    from optout.adapters.policy_files import load_policy_set

    policies, _ = load_policy_set(policy, registry, strict=True)
    if site is None:
        found = list(policies)
        if len(found) != 1:
            raise UsageError("there are several policies", "name the site with --site")
        return found[0]
    chosen = policies.find(_authority(site))
    if chosen is None:
        raise UsageError(f"no policy is for {safe(site)}", "name it under `sites:` in the policy")
    return chosen


def _authority(site: str) -> str:
    from optout.messages import parse_authority

    authority = parse_authority(site, "https")
    if authority is None:
        raise UsageError(f"{safe(site)} is no host name", "write it like photos.example, without https://")
    return authority


_Files = tuple[Path | None, Path | None]


def _files(policy: Policy, base: Path, robots: Path | None, tdmrep: Path | None) -> _Files:
    """The files that were named, else those that the policy names."""
    if robots or tdmrep:
        return robots, tdmrep
    named = (policy.robots_file, policy.tdmrep_file)
    found = [base / name if name else None for name in named]
    return found[0], found[1]


def _edge(policy: Policy, registry: Registry, site: str, upstream: str | None, files: _Files) -> Edge:
    from optout.compilers.tables import compile_edge
    from optout.policy.model import DocumentsFrom

    if upstream and any(files):
        raise UsageError("--upstream was given, and files are named", "give one or the other")
    authority = _authority(site)
    if policy.documents_from is DocumentsFrom.GENERATED and not upstream and not any(files):
        return compile_edge(policy, registry, _generated(policy, registry, authority), authority=authority)
    return compile_edge(policy, registry, _published(authority, upstream, files), authority=authority)


def _generated(policy: Policy, registry: Registry, authority: str) -> Published:
    """What `compile documents` makes, which the owner then publishes."""
    from optout.compilers.documents import compile_documents
    from optout.signals.declaration import parse_published

    made = compile_documents(policy, registry, authority=authority)
    return parse_published(*made.declared, authority=authority)


def _published(authority: str, upstream: str | None, files: _Files) -> Published:
    """What the site publishes now. Of two files, one that is not named is taken for absent."""
    from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, absent, parse_published, unknown

    robots, tdmrep = files
    if upstream:
        documents = _ask(authority, upstream)
    elif robots or tdmrep:
        documents = (
            _read(ROBOTS_NAME, robots) if robots else absent(ROBOTS_NAME),
            _read(TDMREP_NAME, tdmrep) if tdmrep else absent(TDMREP_NAME),
        )
    else:
        documents = (unknown(ROBOTS_NAME, "not given"), unknown(TDMREP_NAME, "not given"))
        click.echo("robots.txt and tdmrep.json are not known: give --upstream, or --robots and --tdmrep", err=True)
    return parse_published(*documents, authority=authority)


def _read(name: str, path: Path) -> Document:
    from optout.signals.declaration import known

    try:
        return known(name, path.read_bytes())
    except OSError as fault:
        raise UsageError(f"cannot read {path}: {fault.strerror}", "give a file that exists") from fault


def _ask(authority: str, upstream: str) -> tuple[Document, Document]:
    import asyncio

    from optout.adapters.documents import OriginSource
    from optout.adapters.fetcher import Fetcher
    from optout.adapters.upstream import load_upstream
    from optout.signals.declaration import HTML_PAGE, TDMREP_NAME, DocumentState

    origin = load_upstream(upstream)

    async def ask() -> tuple[Document, Document]:
        async with Fetcher(unix_socket=origin.socket) as fetcher:
            return await OriginSource(fetcher, origin.base).fetch(authority)

    found = asyncio.run(ask())
    for document in found:
        if document.name == TDMREP_NAME and document.why == HTML_PAGE:  # hardly anybody has one
            click.echo(f"{document.name} is taken for unknown: at {safe(upstream)} {document.why}", err=True)
        elif document.state is DocumentState.UNKNOWN:
            raise UsageError(
                f"{document.name} could not be read at {safe(upstream)}: {safe(document.why)}",
                "start the site, or give --robots and --tdmrep",
            )
    return found


def _route(front: str, policy: Policy, registry: Registry, edge: Edge | None, socket: str | None) -> Compiled:
    from optout.cli.compile_fronts import route_for

    path = (socket or "").removeprefix("unix:")
    if socket and (not path.startswith("/") or set(path) & set(";{}\"'$|`% \t\r\n")):
        raise UsageError(f"{safe(socket)} names no socket", "write it like unix:/run/optout/route.sock")
    return route_for(front, policy, registry, edge=edge, socket=path)


def _write(compiled: Compiled, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in compiled.files.items():
            (out / name).write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as fault:
        raise UsageError(f"cannot write into {out}: {fault.strerror}", "name another directory with --out") from fault


def _tell(front: str, compiled: Compiled, out: Path | None) -> None:
    """What was written and what is lost, beside what is printed."""
    from optout.cli.compile_fronts import FRONTS

    lines = [f"wrote {out / name}" for name in compiled.files] if out else []
    lines += [f"loss {loss.code}: {loss.text}\n  {loss.remedy}" for loss in compiled.losses]
    if out:
        lines.append(f"next: {FRONTS[front].reload}")
    click.echo("\n".join(map(_safe_lines, lines)), err=True)


def _safe_lines(text: str) -> str:
    return "\n".join(safe(line, 1000) for line in text.split("\n"))
