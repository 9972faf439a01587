"""Which sites of a policy are enforced while the others still observe: a fleet is turned in steps.

A site is enforced if it is listed, or if its bucket lies below the share. The bucket is made of the host's name alone,
so it is the same in every process, on every machine and for ever: raising the share adds sites and takes none out.

    bucket = (the first 8 octets of SHA-256 over the host, as a number, most significant first) modulo 10,000
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from optout.policy.site_names import host_of, nearest

BUCKETS = 10_000
"""A hundredth of a percent each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The sites that are enforced: those under a name in `sites`, and `share` hundredths of a percent of all."""

    sites: frozenset[str] = frozenset()
    share: int = 0

    def lists(self, authority: str) -> bool:
        """Whether `authority` is enforced by name."""
        return bool(self.sites) and nearest(authority, self.sites) is not None

    def includes(self, authority: str) -> bool:
        """Whether what is decided for `authority` is carried out."""
        return self.lists(authority) or (self.share > 0 and bucket(authority) < self.share)

    @property
    def percent(self) -> str:
        """The share as its owner writes it: `5`, `12.5`."""
        whole, rest = divmod(self.share, BUCKETS // 100)
        return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


def bucket(authority: str) -> int:
    """The bucket of a normalized authority, 0 to 9,999. Ports do not matter: a host is turned as a whole."""
    octets = host_of(authority).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(octets).digest()[:8], "big") % BUCKETS
