"""How often whoever is let in may come: `60/minute`.

A bucket holds `requests` and refills evenly over the period: that many may come at once after a quiet time, and that
many a period in the long run.
"""

from __future__ import annotations

from typing import Self

import msgspec

PERIODS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Rate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """At most `requests` in a `period`, one of `PERIODS_S`."""

    requests: int
    period: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rate that a policy file writes as `60/minute`, which `policy.values.rate` has looked at."""
        requests, _, period = text.partition("/")
        return cls(requests=int(requests), period=period)

    @property
    def interval_us(self) -> int:
        """How long it takes until there is room for one more, in microseconds."""
        return PERIODS_S[self.period] * 1_000_000 // self.requests

    @property
    def depth_us(self) -> int:
        """How far ahead of its time a request may come: all but one that the bucket holds, in microseconds."""
        return self.interval_us * (self.requests - 1)

    @property
    def retry_after_s(self) -> int:
        """The seconds to wait for room where there is none: what `Retry-After` says, at least 1."""
        return max(1, -(-self.interval_us // 1_000_000))

    def __str__(self) -> str:
        return f"{self.requests}/{self.period}"
