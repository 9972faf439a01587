"""Questions to the world, as values."""

from __future__ import annotations

from optout.lookups import NO_ANSWERS, Introspection, PublishedDocuments


def test_a_question_is_its_own_key() -> None:
    assert {PublishedDocuments(authority="a.example"): 1}[PublishedDocuments(authority="a.example")] == 1
    assert PublishedDocuments(authority="a.example") not in NO_ANSWERS


def test_a_token_does_not_reach_a_log_by_repr() -> None:
    question = Introspection(server="https://licenses.example", token="s3cret", resource="https://a.example/x")
    assert "s3cret" not in repr(question)
    assert question != Introspection(server=question.server, token="other", resource=question.resource)
