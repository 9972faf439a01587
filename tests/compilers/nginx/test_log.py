"""The forms of the log: every member in each, and as text what is known when the policy is compiled."""

from __future__ import annotations

import json
import re

from optout.compilers.access_log import MEMBERS
from optout.compilers.nginx.log import log_forms, log_line, log_maps
from optout.compilers.nginx.replies import replies
from optout.compilers.plan import plan
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)
REPLIES, _ = replies(plan(EDGE, REGISTRY))
FORMS = dict(re.findall(r"log_format (\w+) escape=json '(.*)';\n", "".join(log_forms(EDGE, REPLIES, "oo"))))


def test_there_is_a_form_for_passes_and_one_for_each_reply() -> None:
    assert list(FORMS) == ["oo", *(f"oo_{reply.name}" for reply in REPLIES)]
    assert all(list(json.loads(form)) == list(MEMBERS) for form in FORMS.values())


def test_a_replys_form_says_what_is_known_as_text() -> None:
    for reply in REPLIES:
        said = json.loads(FORMS[f"oo_{reply.name}"])
        assert (said["action"], said["code"], said["clause"]) == (reply.action, reply.code, reply.clause)
        assert said["path"] == ("" if reply.hides_path else "$oo_sent_path")


def test_where_a_policy_observes_one_form_asks_for_everything() -> None:
    observing, _ = compiled(DOCUMENT | {"policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)})
    (form,) = log_forms(observing, REPLIES, "oo")
    assert '"action":"$oo_action","enforced":"0","code":"$oo_code"' in form


def test_all_lines_go_through_one_buffer_and_passes_only_of_who_is_known() -> None:
    assert log_line("/x/y", "oo", REPLIES[0]) == 'access_log "/x/y" oo_r0 buffer=64k flush=1s;'
    assert log_line("/x/y", "oo") == 'access_log "/x/y" oo buffer=64k flush=1s if=$oo_logged;'


def test_the_maps_know_every_reply() -> None:
    text = "".join(log_maps(REPLIES, "oo"))
    assert all(f'"{reply.name}" "{reply.action}";' in text for reply in REPLIES)
