"""`optout crawlers update`: fetch the address lists by which crawlers are verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optout.adapters.list_update import Updated
    from optout.crawlers.registry import Registry


@click.command("update")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the lists lie; else STATE/address-lists.",
)
@click.option(
    "--from",
    "bundle",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR|ZIP",
    help="Take them from another machine's directory, or a ZIP archive of it, and ask nobody.",
)
@click.option(
    "--accept-shrunk",
    multiple=True,
    metavar="NAME",
    help="Take this crawler's list even if it lost more than half of its networks; repeat it for each.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def update(directory: Path | None, bundle: Path | None, accept_shrunk: tuple[str, ...], as_json: bool) -> None:
    """Fetch the operators' address lists, by which crawlers are verified.

    Run it daily. A list that does not come or is not sound leaves the last good one in use, until that is too old.
    Exit code: 0 every list is new, 1 some are not, 2 usage or fault.
    """
    import json

    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.intake import now_us
    from optout.adapters.list_files import list_directory
    from optout.adapters.list_update import published_lists
    from optout.adapters.switch import default_state_directory

    registry = registry_in_use()
    place = directory or list_directory(default_state_directory())
    shrunk = frozenset(_list_of(registry, name) for name in accept_shrunk)
    now = now_us()
    found = _updated(place, bundle, published_lists(registry), now, shrunk)
    if as_json:
        rows = [_row(each, now) for each in found]
        click.echo(json.dumps({"directory": str(place), "lists": rows}, ensure_ascii=True))
    else:
        click.echo("\n".join(_table(found, now)))
    click.get_current_context().exit(1 if any(each.fault for each in found) else 0)


def _list_of(registry: Registry, name: str) -> str:
    crawler = registry.by_name(name)
    if crawler is None or not crawler.address_list:
        raise UsageError(
            f"no crawler with an address list is called {safe(name)}", "`optout crawlers show NAME` tells what it has"
        )
    return crawler.address_list


def _updated(
    place: Path, bundle: Path | None, lists: Mapping[str, tuple[str, ...]], now: int, shrunk: frozenset[str]
) -> tuple[Updated, ...]:
    import asyncio

    from optout.adapters.list_update import fetch_lists, import_lists

    if bundle is not None:
        return import_lists(bundle, place, lists, now_us=now, shrunk=shrunk)

    async def fetch() -> tuple[Updated, ...]:
        from optout.adapters.fetcher import Fetcher

        async with Fetcher() as fetcher:
            return await fetch_lists(fetcher, place, lists, now_us=now, shrunk=shrunk)

    return asyncio.run(fetch())


def _row(each: Updated, now: int) -> dict[str, object]:
    snapshot = each.snapshot
    return {
        "url": each.url,
        "crawlers": list(each.crawlers),
        "state": _state(each),
        "fault": each.fault,
        "networks": 0 if snapshot is None else len(snapshot.prefixes),
        "fetched": None if snapshot is None else snapshot.fetched,
        "fresh": snapshot is not None and snapshot.is_fresh(now),
        "sha256": None if snapshot is None else snapshot.sha256,
    }


def _state(each: Updated) -> str:
    if not each.fault:
        return "taken"
    return "none" if each.snapshot is None else "kept"


def _table(found: Iterable[Updated], now: int) -> Iterator[str]:
    """A line per list: its state, age, size and crawlers, and beneath it why it is not a new one."""
    for each in sorted(found, key=lambda one: one.crawlers):
        yield f"{_state(each):5}  {_age(each, now):>8}  {_size(each):>15}  {', '.join(each.crawlers)}"
        if each.fault:
            yield f"       {safe(each.url)}: {safe(each.fault)}"
        if each.may_be_told:
            yield f"       if that is right: optout crawlers update --accept-shrunk '{each.crawlers[0]}'"


def _size(each: Updated) -> str:
    return "" if each.snapshot is None else f"{len(each.snapshot.prefixes):,} networks"


def _age(each: Updated, now: int) -> str:
    if each.snapshot is None:
        return "-"
    hours = max(0, now - each.snapshot.fetched_us) // 3_600_000_000
    words = f"{hours // 24} d" if hours >= 48 else f"{hours} h"
    return words if each.snapshot.is_fresh(now) else f"{words} old!"
