"""Documents made from a policy: when they stand in the site's place, and what carries them."""

from __future__ import annotations

import pytest

from optout.adapters.generated import FRESH_S, Generated, as_response
from optout.crawlers.registry import bundled_registry
from optout.messages import Fields
from optout.policy.loader import load_policy, policy_set
from optout.policy.model import Policy
from optout.signals.declaration import DocumentState

TEXT = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\nsites: [a.example, '*.a.example']\n"
MADE = f"{TEXT}documents: {{from: generated}}\n"


def policy(text: str = MADE) -> Policy:
    return load_policy(text.encode(), "policy.yaml", bundled_registry())


def generated(*, observe_only: bool = False) -> Generated:
    return Generated(bundled_registry(), observe_only=observe_only)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(MADE, True), (TEXT, False), (MADE.replace("enforce", "observe"), False)],
)
def test_only_an_enforced_policy_that_wants_it_stands_in_the_sites_place(text: str, wanted: bool) -> None:
    made, found = generated(), policy(text)
    assert (made.find(found, "a.example", "/robots.txt") is not None) is wanted
    assert (made.documents(found, "a.example") is not None) is wanted


def test_a_request_that_names_no_site_is_the_sites_own() -> None:
    assert generated().find(policy(), "", "/robots.txt") is None


def test_a_process_that_observes_serves_nothing() -> None:
    assert generated(observe_only=True).find(policy(), "a.example", "/robots.txt") is None


def test_what_is_served_is_what_decides() -> None:
    made, found = generated(), policy(f"{MADE}clauses: [{{action: deny, purpose: train}}]\n")
    documents = made.documents(found, "a.example")
    assert documents is not None
    for document, target in zip(documents, ("/robots.txt?x", "/.well-known/tdmrep.json"), strict=True):
        served = made.find(found, "a.example", target)
        assert served is not None
        assert document.state is DocumentState.KNOWN
        assert document.data == served.data


def test_where_nothing_is_reserved_there_is_no_tdmrep_json() -> None:
    made, found = generated(), policy()
    documents = made.documents(found, "a.example")
    assert documents is not None
    assert documents[1].state is DocumentState.ABSENT
    served = made.find(found, "a.example", "/.well-known/tdmrep.json")
    assert served is not None
    assert as_response(served, Fields()).status == 404


def test_other_paths_are_the_sites_own() -> None:
    assert generated().find(policy(), "a.example", "/index.html") is None


def test_strangers_names_do_not_fill_the_memory() -> None:
    made, found = generated(), policy()
    for number in range(300):
        made.find(found, f"x{number}.a.example", "/robots.txt")
    assert len(made._kept) == 256


def test_whether_anybody_wants_it_is_told_of_a_set() -> None:
    assert generated().any_wanted(policy_set([policy()]))
    assert not generated().any_wanted(policy_set([policy(TEXT)]))


def test_the_answer_carries_type_length_age_and_what_is_declared() -> None:
    served = generated().find(policy(), "a.example", "/robots.txt")
    assert served is not None
    response = as_response(served, Fields((("tdm-reservation", "1"),)))
    assert (response.status, response.body) == (200, served.data)
    assert response.fields.items == (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(served.data))),
        ("Cache-Control", f"max-age={FRESH_S}"),
        ("tdm-reservation", "1"),
    )


USES = """clauses:
- {action: allow, purpose: [train, dataset, search-index, user-fetch, undocumented], path: /open/}
- {action: deny, purpose: train}
"""


@pytest.mark.parametrize(
    ("target", "usage", "tag"),
    [
        ("/a/picture.jpg?x", "train-ai=n", "noai, noimageai"),
        ("/robots.txt", "train-ai=n", "noai, noimageai"),
        ("/open/picture.jpg", "train-ai=y, ai-use=y", None),
        ("/open/../a", "train-ai=n", "noai, noimageai"),  # read in several ways: what says most
        ("/x/..%2fopen/a", "train-ai=n", "noai, noimageai"),
    ],
)
def test_an_answer_says_what_its_page_may_be_used_for(target: str, usage: str, tag: str | None) -> None:
    fields = generated().uses(policy(MADE + USES), "a.example", target)
    said = fields.first("content-usage")
    assert said is not None
    assert said.startswith(usage)
    assert fields.first("x-robots-tag") == tag


def test_where_nothing_is_said_of_uses_or_nothing_is_made_no_field_is_added() -> None:
    made = generated()
    assert made.uses(policy(), "a.example", "/").items == ()
    assert made.uses(policy(TEXT + USES), "a.example", "/").items == ()
    assert made.uses(policy(MADE.replace("enforce", "observe") + USES), "a.example", "/").items == ()
    assert generated(observe_only=True).uses(policy(MADE + USES), "a.example", "/").items == ()
