"""Writes docs/commands.md: every command and option, as the program itself knows them.

`make generated` runs it; tests/test_docs.py fails where the page is not what it would write.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from optout.cli.main import main

PAGE = Path(__file__).with_name("commands.md")

_HEAD = """# Commands

Every command and option. `make generated` writes this page from the program itself.
`optout COMMAND --help` prints the same for one command.

Exit codes are the same everywhere: 0 is yes or clean, 1 is no or findings, 2 is a wrong call or a fault.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(*found) for found in commands(main, click.Context(main, info_name="optout")))


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command below `group` that is no group itself, with the context that its usage line needs."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None  # noqa: S101  the group itself listed it
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from commands(command, inner)
        else:
            yield inner, command


def _section(context: click.Context, command: click.Command) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"\n## {context.command_path}\n", f"\n    {usage}\n", f"\n{_prose(command.help or '')}\n"]
    options = [each for each in command.params if isinstance(each, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context)) is not None]
    if rows:
        parts.append("\n| option | |\n|---|---|\n")
        parts.extend(f"| `{_cell(flags)}` | {_cell(text)} |\n" for flags, text in rows)
    return "".join(parts)


def _prose(text: str) -> str:
    return inspect.cleandoc(text).replace("\b\n", "").replace("<", "&lt;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
