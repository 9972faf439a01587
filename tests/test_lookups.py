"""Questions to the world, as values."""

from __future__ import annotations

from optout.lookups import NO_ANSWERS, Introspection, PublishedDocuments, SignatureCheck


def test_a_question_is_its_own_key() -> None:
    assert {PublishedDocuments(authority="a.example"): 1}[PublishedDocuments(authority="a.example")] == 1
    assert PublishedDocuments(authority="a.example") not in NO_ANSWERS


def test_a_token_does_not_reach_a_log_by_repr() -> None:
    question = Introspection(server="https://licenses.example", token="s3cret", resource="https://a.example/x")
    assert "s3cret" not in repr(question)
    assert question != Introspection(server=question.server, token="other", resource=question.resource)


def test_a_signature_is_asked_about_as_a_value() -> None:
    def question(value: bytes) -> SignatureCheck:
        return SignatureCheck(host="keys.example", keyid="k", base="b", value=value, nonce="", expires_s=2, at_s=1)

    assert {question(b"a"): 1}[question(b"a")] == 1
    assert question(b"a") != question(b"b")
