"""Whatever the bytes of a policy file: a policy or `PolicyError`, in time linear in their length."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError
from optout.policy import values
from optout.policy.cases import load_cases
from optout.policy.loader import load_policies, load_policy
from optout.policy.model import Policy
from optout.policy.schema import FORMS
from optout.policy.yaml_positions import FAST_LOADER, parse_yaml

REGISTRY = bundled_registry()
UNTIMED = settings(deadline=None)  # work is counted below; a slow machine is no fault
MORE = settings(deadline=None, max_examples=300)
HEAD = "version: 1\ndefault: allow\non_error: allow\n"


def _load(data: bytes) -> Policy | None:
    try:
        return load_policy(data, "policy.yaml", REGISTRY)
    except PolicyError as error:
        assert error.problems
        assert all(str(problem).isprintable() for problem in error.problems)
        return None


@UNTIMED
@given(st.binary(max_size=400))
def test_any_bytes_are_a_policy_or_a_policy_error(data: bytes) -> None:
    _load(data)
    _load(HEAD.encode() + data)


@UNTIMED
@given(st.text(alphabet=st.sampled_from(list("ab:-{}[]\n \t'\"#&*!|>%@`?,~\\ux0\u2028\ud7ff"))))
def test_any_yaml_like_text_is_one_too(text: str) -> None:
    _load(text.encode())
    _load((HEAD + text).encode())


@UNTIMED
@given(st.text(alphabet=st.sampled_from(list("ab:-{}[]\n \t'\"#&*!|>%@`?,~\\ux08d"))))
def test_the_scanner_that_is_used_makes_no_difference(text: str) -> None:
    slow, fast = (parse_yaml(text.encode(), "a", loader) for loader in (yaml.SafeLoader, FAST_LOADER))
    if slow.complete and fast.complete and not slow.problems:
        assert (slow.data, slow.unread) == (fast.data, fast.unread)


_KEYS = sorted({field.alias or name for form in FORMS.values() for name, field in form.model_fields.items()})
_WORDS = st.sampled_from(
    "deny allow require-license published observe enforce train search GPTBot Googlebot * /terms /robots.txt "
    "https://a.example/x?y https://[:::]/ a.example *.a.example me@a.b".split()
)
_VALUES = st.recursive(
    _WORDS | st.text(max_size=8) | st.none() | st.integers() | st.booleans() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@MORE
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8))
def test_any_value_under_any_key_is_one_too(keys: dict[str, object]) -> None:
    _load(yaml.safe_dump({"version": 1, "default": "deny", "on_error": "allow", **keys}).encode())


_CLAUSES = st.lists(st.dictionaries(st.sampled_from(sorted(FORMS[("clauses",)].model_fields)), _WORDS, max_size=4))


@MORE
@given(_CLAUSES, st.sampled_from(["", "terms: /terms\n", "mode: enforce\ncontact: me@a.example\n"]))
def test_any_list_of_clauses_is_one_too(clauses: list[dict[str, str]], head: str) -> None:
    text = HEAD + head + yaml.safe_dump({"clauses": [{"action": "deny", **clause} for clause in clauses]})
    policy = _load(text.encode())
    if policy is not None:
        assert len(policy.clauses) == len(clauses)


@UNTIMED
@given(
    st.dictionaries(st.sampled_from(["a.yaml", "b.yaml", "c.yaml"]), st.binary(max_size=60) | st.just(HEAD.encode()))
)
def test_a_directory_never_raises(files: dict[str, bytes]) -> None:
    policies, _ = load_policies(files, REGISTRY)
    again, _ = load_policies(files, REGISTRY, last_good=policies)
    assert again.digest == policies.digest
    assert len(policies.by_site) == sum(len(policy.sites) for policy in policies)


@UNTIMED
@given(st.binary(max_size=300))
def test_any_bytes_are_cases_or_a_policy_error(data: bytes) -> None:
    for head in (b"", b"cases:\n  - path: /\n    user_agent: a\n    expect: {status: 200}\n"):
        try:
            load_cases(head + data, "cases.yaml")
        except PolicyError as error:
            assert error.problems


_RULES = (values.url, values.secure_url, values.server_url, values.contact)


@UNTIMED
@given(st.text(max_size=40) | st.from_regex(r"https?://[^ ]{0,20}"), st.sampled_from(_RULES))
def test_an_address_that_is_accepted_cannot_leave_its_field(text: str, rule: Callable[[str], str]) -> None:
    try:
        found = rule(text)
    except values.WrongValueError:
        return
    assert found.isascii()
    assert found.isprintable()
    assert not set(' <>"\\^`{}|') & set(found)
    assert found.startswith(("https://", "http://", "/", "mailto:"))


def _work(run: Callable[[], object]) -> int:
    """How many calls, of Python and of C, a run makes: the same on every machine."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


_HOSTILE = {
    "clauses": lambda n: (
        "clauses:\n" + "".join(f"  - {{action: deny, crawler: GPTBot, path: /{i}}}\n" for i in range(n))
    ),
    "wrong clauses": lambda n: "clauses:\n" + "  - {action: block, crawler: Nobody, path: x, extra: y}\n" * n,
    "unknown keys": lambda n: "".join(f"key{i}: value\n" for i in range(n)),
    "duplicate keys": lambda n: "tenant: a\n" * n,
    "same ids": lambda n: "clauses:\n" + "  - {id: a, action: deny, path: /a}\n" * n,
    "never reached": lambda n: "clauses:\n  - action: deny\n" + "  - {action: deny, purpose: train}\n" * n,
    "search engines": lambda n: "clauses:\n" + "  - {action: deny, purpose: search}\n" * n,
    "unknown crawlers": lambda n: "clauses:\n  - {action: deny, crawler: [" + "Nobody, " * n + "x]}\n",
    "sites": lambda n: "sites: [" + ", ".join(f"s{i}.example" for i in range(n)) + "]\n",
    "open brackets": lambda n: "terms: " + "[" * n,
    "quotes": lambda n: "terms: '" + "''" * n,
    "blank lines": lambda n: "\n" * n + "terms: a b\n",
    "long word": lambda n: "terms: /" + "a" * n + "\n",
    "percent": lambda n: "terms: https://" + "%61" * n + "\n",
    "stars": lambda n: "clauses:\n  - {action: deny, path: '/" + "*" * n + "'}\n",
    "dots": lambda n: "sites: '*." + "a." * n + "'\n",
}


@pytest.mark.parametrize("shape", _HOSTILE)
def test_the_work_grows_no_faster_than_the_file(shape: str) -> None:
    make = _HOSTILE[shape]
    size = 500  # beyond the hundred problems that are put into words
    _load((HEAD + make(10)).encode())  # what is made once in a process is made
    once, twice = (_work(lambda n=n: _load((HEAD + make(n)).encode())) for n in (size, 2 * size))  # type: ignore[misc]
    assert twice < 2.2 * once + 1000
