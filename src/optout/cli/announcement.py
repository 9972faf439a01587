"""What `optout serve` says when it starts: what it protects, how, where the evidence goes, how to turn it off."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from optout.adapters.crawler_files import registry_in_use
from optout.adapters.policy_watch import PolicyWatch, look_ahead
from optout.adapters.serve_options import ServeOptions
from optout.policy.model import Mode, Policy, PolicySet

_MOST_NAMED = 20  # policies, each on a line of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The start of a door, for a person and for a program."""

    facts: dict[str, object]
    lines: tuple[tuple[str, str], ...]

    def text(self, address: str) -> str:
        """What to print once the door listens at `address`."""
        first = f"optout serves {address} in front of {self.facts['upstream']}"
        return "\n".join([first, *(f"  {name:<9} {value}" for name, value in self.lines)])


def announcement(options: ServeOptions, engine: str, workers: int = 1) -> Announcement:
    """What to say about a door with these options; raises PolicyError or UsageError for a policy that does not load."""
    # The door of this process takes the policies over; workers read them in processes of their own.
    watch = (look_ahead if workers == 1 else PolicyWatch)(options.policy, registry_in_use(options.state))
    policies, problems = watch.current, watch.problems
    off = shlex.join(["optout", "off", "--state", str(options.state)])
    on = shlex.join(["optout", "on", "--state", str(options.state)])
    mode, why = _mode(options, tuple(policies))
    lines = [("mode", f"{mode}: {why}, so nobody is refused and nothing is changed" if why else mode)]
    lines += [("policy", text) for text in _policies(policies) if options.policy is not None]
    lines += [("PROBLEM", str(problem)) for problem in problems]
    lines += [("workers", f"{workers} processes share the port")] if workers > 1 else []
    lines += [("evidence", str(options.evidence or "none is kept")), ("turn off", off), ("turn on", on)]
    facts: dict[str, object] = {
        "upstream": options.upstream,
        "engine": engine,
        "workers": workers,
        "mode": mode,
        "policies": [{"file": each.file, "mode": each.mode.value, "sites": list(each.sites)} for each in policies],
        "problems": [str(problem) for problem in problems],
        "evidence": str(options.evidence) if options.evidence else None,
        "state": str(options.state),
    }
    return Announcement(facts=facts, lines=tuple(lines))


def _mode(options: ServeOptions, policies: tuple[Policy, ...]) -> tuple[str, str]:
    """The mode of the door as a whole, and why if it only observes."""
    if options.policy is None:
        return "observe", "no --policy was given"
    if options.observe_only:
        return "observe", "OPTOUT_MODE overrides the policy"
    if all(policy.mode is Mode.OBSERVE for policy in policies):
        return "observe", "the policy says so"
    return "enforce", ""


def _policies(policies: PolicySet) -> Iterator[str]:
    """A line for each policy; of a fleet, for the first few."""
    yield from (_described(policy) for policy in policies.policies[:_MOST_NAMED])
    more = len(policies.policies) - _MOST_NAMED
    if more > 0:
        yield f"and {more:,} more"


def _described(policy: Policy) -> str:
    sites = ", ".join("every site" if site == "*" else site for site in policy.sites)
    return f"{policy.file}: {policy.mode.value} for {sites}"


def log_to_stderr() -> None:
    """Print what the door has to tell its operator; it names no visitor."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("optout: %(message)s"))
    log = logging.getLogger("optout")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
