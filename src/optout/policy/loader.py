"""From the bytes of policy files to the policies in force (design part 5.10).

    bytes -> yaml_positions -> schema (values, vocabulary) -> checks -> model.Policy

All faults of a file are found at once, each with its line and a remedy. Nothing but `PolicyError` is ever raised,
whatever the bytes, and the time is linear in their length. Rule: this room opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping

from optout.crawlers.registry import Registry
from optout.errors import PolicyError, Problem
from optout.policy.draft import read_draft
from optout.policy.fleet import Fleet, policy_set
from optout.policy.model import Policy, PolicySet
from optout.policy.vocabulary import vocabulary

__all__ = ["load_policies", "load_policy", "policy_set"]


def load_policy(data: bytes, file: str, registry: Registry) -> Policy:
    """The policy in one file. `file` is the name that reasons and problems give.

    Raises `PolicyError` with every problem found.
    """
    draft = read_draft(data, file, vocabulary(registry))
    if draft.policy is None:
        raise PolicyError(draft.problems)
    return draft.policy


def load_policies(
    files: Mapping[str, bytes], registry: Registry, *, last_good: PolicySet | None = None
) -> tuple[PolicySet, tuple[Problem, ...]]:
    """The policies of a directory, and what is wrong with its files. Never raises.

    A broken file stops only its own authorities: they keep the policy that the file gave in `last_good`, or are
    observed until it is mended. An authority that two files name stays with the one that has it in `last_good`,
    else with the first by name; that is a problem of the other file.
    """
    words = vocabulary(registry)
    fleet = Fleet()
    fleet.put(read_draft(data, file, words) for file, data in files.items())
    return fleet.govern(last_good)
