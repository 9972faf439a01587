"""Tables are maps that are shared where they are the same, and literal paths are gathered."""

from __future__ import annotations

import re

from optout.compilers.nginx.tables import WORDS, Tables, told
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
    made = Tables(made=plan(edge, registry), tag="oo")
    return made, made.write()


def test_classes_with_the_same_rules_share_their_map() -> None:
    _, text = tables("User-agent: *\nDisallow: /*x\nDisallow: /*y\n")
    assert text.count('"~^/.*?x"') == text.count('"~^/.*?y"') == 1


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


def test_what_is_told_holds_no_dollar_sign_and_one_member_for_each_word() -> None:
    edge, registry = compiled({"policy": POLICY})
    made = plan(edge, registry)
    for answer in made.answers:
        text = told(answer)
        assert "$" not in text
        assert text.count("\t") == 2 + len(WORDS)
