"""The `optout` command: a table of names, each imported only when it is called (`optout --help` stays fast)."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from optout.errors import OptoutError

COMMANDS = {
    "audit": ("optout.cli.audit:audit", "What a site really serves, what it adds up to, and what is wrong with it."),
    "compile": ("optout.cli.compile:compile_policy", "A policy as configuration of nginx, Caddy, HAProxy or Apache."),
    "crawlers": ("optout.cli.crawlers:crawlers", "Who crawls: list, show, identify, update, verify."),
    "demo": ("optout.cli.demo:demo", "A sample site, the doors before it, real crawlers' requests, and the verdict."),
    "doctor": ("optout.cli.doctor:doctor", "What is wrong with an installation, and the lines to paste."),
    "evidence": (
        "optout.cli.evidence:evidence",
        "The evidence log: list, show, verify, bundle, erase, anchor, and more.",
    ),
    "explain": ("optout.cli.explain:explain", "What a visitor would be told for a URL, and which line decides."),
    "forward-auth": ("optout.cli.forward_auth:forward_auth", "Answer the questions of nginx, Caddy, Traefik, Envoy."),
    "init": ("optout.cli.init:init", "A few questions, and the files that put Optout before a site."),
    "off": ("optout.cli.switch:off", "Turn enforcement and recording off."),
    "on": ("optout.cli.switch:on", "Turn enforcement and recording on again."),
    "policy": ("optout.cli.policy:policy", "Policies: check, show, test, diff."),
    "report": ("optout.cli.report:report", "Documents to print and sign: visits, declarations, operators, the week."),
    "review": ("optout.cli.review:review", "Who came and what they took: pages in a browser, or a server's old logs."),
    "robots": ("optout.cli.robots:robots", "robots.txt: explain, lint, compare, batch."),
    "rsl": ("optout.cli.rsl:rsl", "License documents (RSL): explain, lint."),
    "serve": ("optout.cli.serve:serve", "Stand in front of a site as a reverse proxy."),
    "tdm": ("optout.cli.tdm:tdm", "tdmrep.json: explain, lint."),
    "status": ("optout.cli.switch:status", "Whether Optout is on, and for which sites."),
}


class _LazyGroup(click.Group):
    """A group that knows each command's one-line help and imports the command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = COMMANDS.get(cmd_name)
        if known is None:
            return None
        module, _, attribute = known[0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  a wrong table is our own fault
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optout")
def main() -> None:
    """Apply a site's published AI opt-out in front of it, offer a license, keep evidence."""


def run() -> None:
    """The console script: exit codes 0 yes or clean, 1 no or findings, 2 usage or fault."""
    try:
        ended = main.main(standalone_mode=False)
        sys.exit(ended if isinstance(ended, int) else 0)  # click returns the code of `Context.exit`
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except OptoutError as fault:
        click.echo(f"optout: {fault.diagnostics()}", err=True)
        sys.exit(2)
