"""The routed form for Apache is wide enough for every known crawler, and Apache takes it."""

from __future__ import annotations

import re
from pathlib import Path

from optout.compilers.apache.route import SERVER, SITE, compile_apache_route
from optout.policy.loader import load_policy
from tests.compilers.apache.test_apache import MODULES
from tests.compilers.hostile import REGISTRY, accepted
from tests.compilers.pcre2 import Pcre
from tests.compilers.test_tables import EDGE, POLICY

MORE = ("proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm")
REFUSING = load_policy(POLICY.replace("on_error: allow", "on_error: refuse").encode(), "policy.yaml", REGISTRY)


def test_no_example_of_the_registry_is_missed() -> None:
    text = compile_apache_route(EDGE.policy, REGISTRY).files[SITE]
    possible = [Pcre(line.partition('"!')[2].rpartition('"')[0]) for line in text.splitlines() if '"!' in line]
    assert possible
    for crawler in REGISTRY.crawlers:
        for example in crawler.examples:
            if REGISTRY.recognize(example) is not None:
                assert any(each.search(example.encode()) is not None for each in possible), example


def test_apache_takes_the_files(tmp_path: Path) -> None:
    made = compile_apache_route(REFUSING, REGISTRY, edge=EDGE, socket="/run/x.sock", origin="127.0.0.1:8481")
    for name, text in made.files.items():
        (tmp_path / name).write_text(text)
    modules = "".join(
        f"LoadModule {each}_module /usr/lib/apache2/modules/mod_{each}.so\n" for each in (*MODULES, *MORE)
    )
    (tmp_path / "apache.conf").write_text(
        f"ServerRoot {tmp_path}\nServerName localhost\nDefaultRuntimeDir {tmp_path}\nErrorLog {tmp_path}/e\n{modules}"
        f"Include {tmp_path}/{SERVER}\n<VirtualHost *:8080>\nInclude {tmp_path}/{SITE}\n</VirtualHost>\n"
    )
    accepted("/usr/sbin/apache2", "-t", "-f", str(tmp_path / "apache.conf"))


def test_ai_crawlers_have_no_standby_where_the_policy_refuses_on_error() -> None:
    strict = compile_apache_route(REFUSING, REGISTRY).files[SERVER].partition('balancer://optout-strict"')[2]
    assert strict
    assert "status=+H" not in strict
    assert "optout-strict" not in "".join(compile_apache_route(EDGE.policy, REGISTRY).files.values())


def test_what_a_visitor_says_of_itself_goes_no_further() -> None:
    text = compile_apache_route(EDGE.policy, REGISTRY).files[SITE]
    assert set(re.findall(r"RequestHeader unset (\S+)", text)) >= {"X-Forwarded-For", "Forwarded", "X-Real-IP"}
