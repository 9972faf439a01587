"""RFC 9421, HTTP Message Signatures: its examples and its Ed25519 vector, by section."""

from __future__ import annotations

import pytest

from optout.messages import Fields
from optout.signatures.directory import parse_directory
from optout.signatures.signature import Uncovered, parse_signatures, request_base
from optout.signatures.verification import Verdict, check
from optout.testing import make_request
from tests.signatures.signer import directory, only

TEST_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}  # appendix B.1.4

# Appendix B.2, test-request
URL = "https://example.com/foo?param=Value&Pet=dog"
HEADERS = (
    ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("Content-Type", "application/json"),
    (
        "Content-Digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ),
    ("Content-Length", "18"),
)


def base_of(
    covered: str, url: str = "https://www.example.com/path", *headers: tuple[str, str], method: str = "GET"
) -> str:
    """The signature base but for its last line."""
    described = (("Signature-Input", f"sig=({covered})"), ("Signature", "sig=::"))
    request = make_request(url, method=method, headers=(*headers, *described))
    base = request_base(only(parse_signatures(request.fields)), request)
    assert isinstance(base, str), base
    return base.rpartition("\n")[0]


def uncovered(covered: str, url: str = "https://www.example.com/path", *headers: tuple[str, str]) -> bool:
    described = (("Signature-Input", f"sig=({covered})"), ("Signature", "sig=::"))
    request = make_request(url, headers=(*headers, *described))
    return isinstance(request_base(only(parse_signatures(request.fields)), request), Uncovered)


class TestHttpFields:
    """Section 2.1."""

    def test_lines_of_one_field_are_joined_and_trimmed(self) -> None:
        headers = (("Cache-Control", "max-age=60"), ("Cache-Control", "   must-revalidate "))
        assert base_of('"cache-control"', "https://a.example/", *headers) == (
            '"cache-control": max-age=60, must-revalidate'
        )

    def test_an_empty_field_has_an_empty_value(self) -> None:
        assert base_of('"x-empty-header"', "https://a.example/", ("X-Empty-Header", "")) == '"x-empty-header": '

    @pytest.mark.parametrize(("key", "value"), [("a", "1"), ("d", "?1"), ("b", "2;x=1;y=2"), ("c", "(a b c)")])
    def test_a_member_of_a_dictionary_is_written_anew(self, key: str, value: str) -> None:
        # section 2.1.2
        header = ("Example-Dict", " a=1, b=2;x=1;y=2, c=(a   b   c), d")
        assert base_of(f'"example-dict";key="{key}"', "https://a.example/", header) == (
            f'"example-dict";key="{key}": {value}'
        )

    @pytest.mark.parametrize(
        "covered",
        ['"absent"', '"example-dict";key="z"', '"example-dict";sf', '"example-dict";bs', '"example-dict";tr'],
    )
    def test_what_the_request_lacks_or_nobody_here_reads_has_no_base(self, covered: str) -> None:
        assert uncovered(covered, "https://a.example/", ("Example-Dict", "a=1"))


class TestDerivedComponents:
    """Section 2.2, whose examples ask for www.example.com."""

    @pytest.mark.parametrize(
        ("covered", "url", "value"),
        [
            ("@method", "https://www.example.com/path?param=value", "GET"),
            ("@target-uri", "https://www.example.com/path?param=value", "https://www.example.com/path?param=value"),
            ("@authority", "https://www.example.com/path?param=value", "www.example.com"),
            ("@authority", "https://WWW.example.com:443/", "www.example.com"),
            ("@authority", "https://www.example.com:8443/", "www.example.com:8443"),
            ("@scheme", "http://www.example.com/path?param=value", "http"),
            ("@request-target", "https://www.example.com/path?param=value", "/path?param=value"),
            ("@path", "https://www.example.com/path?param=value", "/path"),
            ("@path", "https://www.example.com", "/"),
            ("@query", "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman",
             "?param=value&foo=bar&baz=bat%2Dman"),
            ("@query", "https://www.example.com/path?queryString", "?queryString"),
            ("@query", "https://www.example.com/path", "?"),
        ],
    )  # fmt: skip
    def test_the_examples(self, covered: str, url: str, value: str) -> None:
        assert base_of(f'"{covered}"', url) == f'"{covered}": {value}'

    @pytest.mark.parametrize(
        ("name", "query", "value"),
        [
            ("baz", "param=value&foo=bar&baz=batman&qux=", "batman"),
            ("qux", "param=value&foo=bar&baz=batman&qux=", ""),
            ("param", "param=value&foo=bar&baz=batman&qux=", "value"),
            ("var", "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace",
             "this%20is%20a%20big%0Amultiline%20value"),
            ("bar", "var=this&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something", "with%20plus%20whitespace"),
            ("fa%C3%A7ade%22%3A%20", "bar=with&fa%C3%A7ade%22%3A%20=something", "something"),
        ],
    )  # fmt: skip
    def test_query_parameters(self, name: str, query: str, value: str) -> None:
        # section 2.2.8
        covered = f'"@query-param";name="{name}"'
        assert base_of(covered, f"https://www.example.com/parameters?{query}") == f"{covered}: {value}"

    @pytest.mark.parametrize(
        "covered",
        [
            '"@query-param";name="a"',  # comes twice
            '"@query-param";name="none"',
            '"@query-param"',
            '"@authority";req',  # a response's
            '"@authority";key="a"',
            '"@status"',
            '"@unheard-of"',
        ],
    )
    def test_what_a_request_does_not_have(self, covered: str) -> None:
        assert uncovered(covered, "https://www.example.com/?a=1&a=2")


class TestSignatureBase:
    """Section 2.5."""

    def test_a_component_that_is_covered_twice_is_an_error(self) -> None:
        described = (("Signature-Input", 'sig=("@path" "@path")'), ("Signature", "sig=::"))
        assert parse_signatures(Fields(described)) is None

    def test_space_between_parameters_does_not_reach_the_base(self) -> None:
        described = (("Signature-Input", 'sig=( "@path"  ); created=1;  tag="x"'), ("Signature", "sig=::"))
        request = make_request("https://a.example/", headers=described)
        base = request_base(only(parse_signatures(request.fields)), request)
        assert base == '"@path": /\n"@signature-params": ("@path");created=1;tag="x"'

    @pytest.mark.parametrize("value", ["a\u00e9", "a\x01b", "a\nb"])
    def test_no_value_can_add_a_line(self, value: str) -> None:
        assert uncovered('"x"', "https://a.example/", ("X", value))


def test_a_request_signed_with_ed25519() -> None:
    """Appendix B.2.6."""
    headers = (
        *HEADERS,
        (
            "Signature-Input",
            'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
            ';created=1618884473;keyid="test-key-ed25519"',
        ),
        (
            "Signature",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    )
    request = make_request(URL, method="POST", headers=headers)
    signature = only(parse_signatures(request.fields))
    base = request_base(signature, request)
    assert base == (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n'
        '"content-type": application/json\n"content-length": 18\n'
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    keys = parse_directory(directory(TEST_KEY), with_published_keys=True)
    found = check(keyid=keys.keys[0].thumbprint, base=base, value=signature.value, keys=keys, now_s=0)
    assert found.verdict is Verdict.VERIFIED
    changed = check(keyid=keys.keys[0].thumbprint, base=f"{base} ", value=signature.value, keys=keys, now_s=0)
    assert changed.verdict is Verdict.BAD_SIGNATURE
