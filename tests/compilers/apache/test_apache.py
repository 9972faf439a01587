"""Apache's files hold an edge in rules that nothing gets out of, and Apache itself takes them.

What they do in a running Apache is in tests/doors/test_compiled_edges.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.apache import FILE, compile_apache
from tests.compilers.hostile import PATHS, PRINTABLE, REGISTRY, accepted, edge_of
from tests.compilers.test_tables import EDGE

MODULES = ("mpm_event", "authz_core", "alias", "rewrite", "headers", "unique_id", "env")
CONFIGURATION = """
ServerRoot {place}
ServerName localhost
DefaultRuntimeDir {place}
ErrorLog {place}/error.log
{modules}
<VirtualHost *:8080>
Include {place}/optout.conf
</VirtualHost>
"""


def check(files: Mapping[str, str], place: Path) -> None:
    for name, text in files.items():
        (place / name).write_text(text)
    modules = "\n".join(f"LoadModule {each}_module /usr/lib/apache2/modules/mod_{each}.so" for each in MODULES)
    (place / "apache.conf").write_text(CONFIGURATION.format(place=place, modules=modules))
    accepted("/usr/sbin/apache2", "-t", "-f", str(place / "apache.conf"))


def test_apache_takes_the_files(tmp_path: Path) -> None:
    check(compile_apache(EDGE, REGISTRY, place=str(tmp_path), log=str(tmp_path / "log")).files, tmp_path)


@settings(max_examples=12, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=6), mining=PATHS)
def test_apache_takes_what_anybody_wrote(reason: str, paths: list[str], mining: str) -> None:
    with TemporaryDirectory() as directory:
        made = compile_apache(edge_of(reason, paths, mining), REGISTRY, place=directory, log=f"{directory}/log")
        check(made.files, Path(directory))


DIRECTIVES = re.compile(
    r"#.*|Rewrite(?:Engine|Map|Cond|Rule) .*|LogFormat .*|CustomLog .*"
    r"|\s*</?If.*|\s*ErrorDocument .*|\s*Header always .*"
    r"|\s*Redirect [0-9]{3}|"
)


@settings(max_examples=30, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=6))
def test_every_line_is_a_directive_of_the_edge_s_own(reason: str, paths: list[str]) -> None:
    text = compile_apache(edge_of(reason, paths), REGISTRY).files[FILE]
    assert all(DIRECTIVES.fullmatch(line) for line in text.split("\n"))


def test_no_rule_passes_over_more_than_there_is() -> None:
    lines = compile_apache(EDGE, REGISTRY).files[FILE].splitlines()
    rules = [line for line in lines if line.startswith("RewriteRule")]
    for place, line in enumerate(rules):
        over = re.search(r"S=([0-9]+)", line)
        assert over is None or place + int(over[1]) < len(rules)


def test_the_rules_rewrite_nothing() -> None:
    lines = compile_apache(EDGE, REGISTRY).files[FILE].splitlines()
    assert all(line.startswith("RewriteRule ^ -") for line in lines if line.startswith("RewriteRule"))
    assert all("[NV]" in line for line in lines if line.startswith("RewriteCond %{HTTP"))  # no Vary of ours
