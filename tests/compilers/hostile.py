"""Shared by tests of compilers: edges of policies and documents in which an owner or a stranger wrote anything."""

from __future__ import annotations

import json
import subprocess

from hypothesis import strategies as st

from optout.compilers.edge import Edge
from optout.compilers.tables import compile_edge
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from tests.judge import SITE, publishes

REGISTRY = bundled_registry()
MEANING = "\"'`\\{}[]()<>$%#&;,|=*?!~^@+ \t"
PRINTABLE = st.text(
    st.one_of(st.sampled_from(MEANING.replace("\t", "")), st.characters(min_codepoint=0x20, max_codepoint=0x7E))
    | st.sampled_from("é☃\U0001f98a"),
    max_size=60,
)
PATHS = st.text(st.sampled_from(MEANING + "abc/.-_0\x7f\x01é"), max_size=30).map(lambda text: f"/{text}")


def edge_of(reason: str, paths: list[str], mining: str = "/") -> Edge:
    """An edge whose clause gives `reason`, for a site whose documents name `paths` and `mining`."""
    policy = f"""
version: 1
mode: enforce
default: allow
on_error: refuse
on_reservation: deny
terms: /terms
sites: [{SITE}]
clauses:
  - {{id: no, action: deny, purpose: train, path: /no/, reason: {json.dumps(reason, ensure_ascii=False)}}}
"""
    robots = "User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in paths)
    tdmrep = json.dumps([{"location": mining, "tdm-reservation": 1, "tdm-policy": "https://site.example/p?a=%7B$x"}])
    loaded = load_policy(policy.encode(), "policy.yaml", REGISTRY)
    return compile_edge(loaded, REGISTRY, publishes(robots, tdmrep), authority=SITE)


def accepted(*command: str) -> None:
    """Let a front end's own program judge a configuration."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
