"""How a policy names sites, and which of several names an authority falls under (docs/policy.md, `sites`).

A name is an authority (`example.org`, `example.org:8080`), `*.example.org` for every name below it, or `*` for every
site. A name without a port is meant on every port. Which policy governs a site, and which sites a rollout lists, is
asked here and nowhere else, so that both read a name alike.
"""

from __future__ import annotations

from collections.abc import Container


def host_of(authority: str) -> str:
    """A normalized authority without its port; the brackets of an IPv6 address stay."""
    if authority[:1] == "[":
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


def nearest(authority: str, names: Container[str]) -> str | None:
    """The name among `names` that is about `authority`: itself, then its host, then the longest `*.suffix`, then `*`.

    A `*.suffix` may be given in place of an authority: it falls under itself and what is above it.
    """
    if authority in names:
        return authority
    name = host_of(authority)
    if name in names:
        return name
    while True:
        _, dot, name = name.partition(".")
        if not dot:
            return "*" if "*" in names else None
        above = f"*.{name}"
        if above in names:
            return above
