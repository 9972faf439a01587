"""What a test of a policy, or of Optout itself, needs: a request from a few words, and a resolver that is a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from optout.lookups import Answers, Lookup
from optout.messages import UNKNOWN_CLIENT, AddressSource, ClientAddress, Fields, Request, parse_authority, parse_target


def make_request(
    url: str = "https://site.example/",
    user_agent: str = "",
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    ip: str | None = None,
    request_id: str = "01930000-0000-7000-8000-000000000000",
    received_us: int = 1_764_000_000_000_000,
) -> Request:
    """A request for `url`; the same words make the same value, so that tests compare results whole."""
    scheme = url.partition("://")[0]
    target, named = parse_target(url)
    host = named or ""
    agent = (("User-Agent", user_agent),) if user_agent else ()
    client = UNKNOWN_CLIENT if ip is None else ClientAddress(address=ip, source=AddressSource.PEER)
    return Request(
        id=request_id,
        received_us=received_us,
        mono_us=0,
        method=method,
        scheme=scheme,
        authority=parse_authority(host, scheme) or "",
        target=target,
        fields=Fields((("Host", host), *agent, *headers)),
        client=client,
    )


class FakeResolver:
    """A resolver that answers from a table and remembers what it was asked."""

    def __init__(self, answers: Mapping[Lookup, object]) -> None:
        self.answers = answers
        self.asked: list[Lookup] = []

    async def resolve(self, lookups: Collection[Lookup]) -> Answers:
        """The known answers to `lookups`; a question without one is missing from the result."""
        self.asked.extend(lookups)
        return {lookup: self.answers[lookup] for lookup in lookups if lookup in self.answers}
