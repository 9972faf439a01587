"""Tables are maps that are shared where they are the same, and literal paths are gathered."""

from __future__ import annotations

import re

from optout.compilers.nginx.replies import FEW, replies
from optout.compilers.nginx.tables import GOES_ON, Tables
from optout.compilers.plan import plan
from tests.doors.edge_doors import compiled

POLICY = """
version: 1
mode: enforce
default: allow
on_error: allow
contact: rights@site.example
sites: [site.example]
clauses:
  - {id: paid, action: require-license, purpose: train, path: ["/paid/", "/*.raw$"], method: GET, reason: "Ask 1$."}
"""


def tables(robots: str, policy: str = POLICY) -> tuple[Tables, str]:
    edge, registry = compiled({"policy": policy, "robots": robots})
    planned = plan(edge, registry)
    made = Tables(made=planned, tag="oo", told=replies(planned)[1])
    return made, made.write()


def test_classes_with_the_same_rules_share_their_map() -> None:
    _, text = tables("User-agent: *\n" + "".join(f"Disallow: /*x{at}\n" for at in range(FEW + 1)))
    assert text.count('"~^/.*?x7"') == text.count('"~^/.*?x8"') == 1


def test_literal_paths_become_one_expression_and_stay_in_order() -> None:
    _, text = tables("User-agent: GPTBot\n" + "".join(f"Disallow: /p{at:03}/\n" for at in range(100)))
    assert len(re.findall(r'"~\^\(\?<oo_path>', text)) == 1
    assert '"/p042/" ' in text


def test_an_earlier_rule_hides_the_longer_ones_that_begin_with_it() -> None:
    clauses = "clauses: [{id: a, action: deny, path: [/x/], reason: a}, {id: b, action: allow, path: [/x/y/]}]"
    _, text = tables("", POLICY.partition("clauses:")[0] + clauses)
    assert "/x/" in text
    assert "y" not in re.sub(r"[^/]", "", text)


def test_paths_that_differ_in_case_are_told_apart() -> None:
    _, text = tables("User-agent: GPTBot\nDisallow: /Aa/\nDisallow: /aA/\n")
    assert len(re.findall(r"map \"\$oo_path\"", text)) + len(re.findall(r'"~\^/[Aa]', text)) == 2


def test_methods_stand_before_the_target() -> None:
    _, text = tables("")
    assert '"~^(?:GET) /paid/"' in text
    assert "$request_method $request_uri" in text


def test_a_rule_that_nginx_cannot_read_is_left_out_and_said_so() -> None:
    made, _ = tables(f"User-agent: GPTBot\nDisallow: /*{'x' * 4100}\nDisallow: /y\n")
    (loss,) = made.losses
    assert loss.code == "long-rules"
    assert loss.text.startswith("1 rules are left out")


def test_a_pass_is_what_nginx_takes_for_false_and_who_is_known_is_told_something() -> None:
    made, text = tables("")
    assert f'"open" "{GOES_ON}";' in text
    assert GOES_ON == "0"
    (said,) = re.findall(r'map "\$oo_crawler" \$oo_said {\n(.*?)}', text, re.DOTALL)
    assert said.count("\n") == 1 + len(made.made.crawlers)


def test_most_targets_are_looked_at_once() -> None:
    _, text = tables("")
    (target,) = re.findall(r'map "\$request_uri" \$oo_target {\n(.*?)\n}', text, re.DOTALL)
    lines = target.splitlines()
    assert lines[1].endswith('" "";')
    assert len(lines) > 4
