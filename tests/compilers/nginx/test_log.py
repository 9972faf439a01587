"""The form of the log has every member, and replies say as text what is known when the policy is compiled."""

from __future__ import annotations

import json
import re

from optout.compilers.access_log import MEMBERS
from optout.compilers.nginx.log import log_form, log_line, log_maps, log_settings
from optout.compilers.nginx.replies import FEW, replies
from optout.compilers.plan import plan
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

MANY = "User-agent: *\n" + "".join(f"Disallow: /p{at}/\n" for at in range(FEW + 1))
EDGE, REGISTRY = compiled(DOCUMENT | {"robots": MANY})
REPLIES, _ = replies(plan(EDGE, REGISTRY))
OBSERVING, _ = compiled(DOCUMENT | {"policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)})


def test_the_form_has_every_member_in_order() -> None:
    (form,) = re.findall(r"log_format oo escape=json '(.*)';\n", log_form(EDGE, "oo"))
    said = json.loads(form)
    assert list(said) == list(MEMBERS)
    assert said["enforced"] == "1"
    assert '"enforced":"0"' in log_form(OBSERVING, "oo")


def test_a_reply_says_what_is_known_and_a_template_what_the_table_said() -> None:
    for reply in REPLIES:
        code, clause = (reply.code, reply.clause) if reply.is_whole else ("$oo_its_code", "$oo_its_clause")
        expected = [f'set $oo_action "{reply.action}";', f'set $oo_code "{code}";', f'set $oo_clause "{clause}";']
        if reply.hides_path is not None:
            expected.append(f'set $oo_logged_path "{"" if reply.hides_path else "$oo_sent_path"}";')
        assert list(log_settings(reply, "oo")) == expected
    assert {reply.is_whole for reply in REPLIES} == {True, False}


def test_where_a_policy_observes_maps_say_it() -> None:
    found, _ = replies(plan(OBSERVING, REGISTRY))
    text = "".join(log_maps(OBSERVING, found, "oo"))
    assert all(f'"{reply.name}" "{reply.action}";' in text for reply in found)
    assert all(f'"{reply.name}" "{reply.clause}";' in text for reply in found)
    assert 'map "" $oo_action {\n    default "allow";\n}' in "".join(log_maps(EDGE, REPLIES, "oo"))


def test_lines_are_written_of_who_is_known_but_of_nobody_who_is_left_alone() -> None:
    assert log_line(EDGE, "/x/y", "oo") == 'access_log "/x/y" oo buffer=64k flush=1s if=$oo_logged;'
    assert 'map "$oo_said" $oo_logged {\n    default "1";\n    "" "0";\n}' in "".join(log_maps(EDGE, REPLIES, "oo"))
    without = DOCUMENT["policy"].partition("  - {id: studio-open")[0]
    edge, _ = compiled(DOCUMENT | {"policy": without, "robots": ""})
    assert log_line(edge, "/x/y", "oo") == 'access_log "/x/y" oo buffer=64k flush=1s if=$oo_crawler;'
