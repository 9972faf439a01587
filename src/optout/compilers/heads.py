"""The remarks on top of a compiled file: what it was made from, how to use it, how to be rid of it, what it cannot do.

`#` begins a remark for HAProxy, Caddy and Apache alike. Rule: nothing here comes from a policy but its digest.
"""

from __future__ import annotations

from collections.abc import Iterable

from optout.compilers.edge import Edge, Loss
from optout.policy.model import Policy


def edge_head(edge: Edge, losses: Iterable[Loss], *, front: str, uses: Iterable[str]) -> str:
    """The remarks of the main file of an edge."""
    made_from = {
        "policy": edge.policy.digest,
        "robots.txt": edge.robots_sha256 or "none",
        "tdmrep.json": edge.tdmrep_sha256 or "none",
        "registry": edge.registry_sha256,
    }
    lines = [
        f"Made by `optout compile {front}` for {edge.authority}. Do not edit: compile again.",
        *(f"  {what:<11} sha256 {digest}" for what, digest in made_from.items()),
        *uses,
    ]
    if not edge.enforced:
        lines.append("The policy observes: requests are logged, and nobody is refused.")
    return _remarks([*lines, *_lost(losses)])


def route_head(policy: Policy, losses: Iterable[Loss], *, front: str, uses: Iterable[str]) -> str:
    """The remarks of the main file of a routed form."""
    lines = [
        f"Made by `optout compile {front} --route`. Do not edit: compile again.",
        f"  policy      sha256 {policy.digest}",
        *uses,
    ]
    return _remarks([*lines, *_lost(losses)])


def _lost(losses: Iterable[Loss]) -> list[str]:
    return ["What Optout does elsewhere and this does not:", *(f"  {loss.code}: {loss.text}" for loss in losses)]


def _remarks(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines) + "\n"
