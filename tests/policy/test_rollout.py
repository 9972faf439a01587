"""policy.rollout: which sites are enforced already, always the same ones."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from optout.policy.model import Policy
from optout.policy.rollout import BUCKETS, Rollout, bucket

DOCS = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
VECTORS = re.findall(r"^\| `([^`]+)` \| ([0-9]+) \| ([0-9.]+) \|$", DOCS, re.MULTILINE)
SHARES = st.integers(min_value=0, max_value=BUCKETS)
HOSTS = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,8}){1,3}", fullmatch=True)
HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\n"


def _policy(enforce: str, sites: str = "'*'") -> Policy:
    return load_policy(f"{HEAD}sites: {sites}\nenforce: {enforce}\n".encode(), "policy.yaml", bundled_registry())


@pytest.mark.parametrize(("host", "number", "percent"), VECTORS)
def test_the_published_buckets_are_those_that_are_used(host: str, number: str, percent: str) -> None:
    assert bucket(host) == int(number)
    assert bucket(f"{host}:8443") == int(number)
    octets = hashlib.sha256(host.encode("ascii")).digest()[:8]
    assert int.from_bytes(octets, "big") % 10_000 == int(number)
    assert _policy(f"{{percent: {percent}}}").enforces(host)
    assert not _policy(f"{{percent: {float(percent) - 0.01:.2f}}}").enforces(host)


def test_several_buckets_are_published() -> None:
    assert len(VECTORS) == 7


@given(HOSTS, SHARES, SHARES)
def test_raising_the_share_takes_no_site_out(host: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert Rollout(share=high).includes(host) or not Rollout(share=low).includes(host)


@given(HOSTS, SHARES, st.integers(min_value=1, max_value=65535))
def test_a_host_is_turned_on_every_port_at_once(host: str, share: int, port: int) -> None:
    assert Rollout(share=share).includes(host) == Rollout(share=share).includes(f"{host}:{port}")


@given(HOSTS, SHARES, st.frozensets(HOSTS, max_size=5))
def test_naming_a_site_adds_it_and_changes_no_other(host: str, share: int, named: frozenset[str]) -> None:
    before = Rollout(share=share)
    after = Rollout(share=share, sites=named)
    assert all(after.includes(each) for each in named)
    if host not in named:
        assert after.includes(host) == before.includes(host)


@given(st.text(st.characters()))
def test_whatever_a_stranger_writes_has_a_bucket(host: str) -> None:
    assert 0 <= bucket(host) < BUCKETS


@given(HOSTS)
def test_nothing_is_nobody_and_everything_is_everybody(host: str) -> None:
    assert not Rollout().includes(host)
    assert Rollout(share=BUCKETS).includes(host)


def test_a_share_of_a_fleet_is_near_what_was_asked_for() -> None:
    enforced = sum(Rollout(share=1250).includes(f"site-{number}.example") for number in range(40_000))
    assert 4_800 < enforced < 5_200  # 12.5 percent are 5,000


@pytest.mark.parametrize(
    ("written", "share", "percent"),
    [("0", 0, "0"), ("5", 500, "5"), ("12.5", 1250, "12.5"), ("0.01", 1, "0.01"), ("100.00", 10_000, "100")],
)
def test_a_share_has_up_to_two_decimals(written: str, share: int, percent: str) -> None:
    rollout = _policy(f"{{percent: {written}}}").rollout
    assert rollout is not None
    assert (rollout.share, rollout.percent) == (share, percent)


@pytest.mark.parametrize(
    ("authority", "enforced"),
    [
        ("shop.example", True),
        ("shop.example:8080", True),
        ("a.blog.example", True),
        ("blog.example", False),
        ("other.example:9090", True),
        ("other.example", False),
    ],
)
def test_sites_are_listed_in_the_forms_that_a_policy_takes(authority: str, enforced: bool) -> None:
    policy = _policy("{sites: [shop.example, '*.blog.example', other.example:9090]}")
    assert policy.enforces(authority) is enforced


def test_without_the_key_every_site_is_enforced() -> None:
    assert load_policy(HEAD.encode(), "policy.yaml", bundled_registry()).enforces("photos.example")


def test_a_request_without_a_host_is_for_the_only_site() -> None:
    assert _policy("{sites: photos.example}", "photos.example").enforces("")
    assert not _policy("{percent: 20.88}", "photos.example").enforces("")
    assert _policy("{percent: 20.89}", "photos.example").enforces("")


@pytest.mark.parametrize(
    ("enforce", "everywhere"), [("{percent: 99.99}", False), ("{percent: 100}", True), ("{sites: a.example}", False)]
)
def test_what_cannot_tell_sites_apart_knows_whether_all_are_enforced(enforce: str, everywhere: bool) -> None:
    assert _policy(enforce).enforces_everywhere is everywhere
    assert load_policy(HEAD.encode(), "policy.yaml", bundled_registry()).enforces_everywhere
    observing = load_policy(HEAD.replace("enforce", "observe").encode(), "policy.yaml", bundled_registry())
    assert not observing.enforces_everywhere
