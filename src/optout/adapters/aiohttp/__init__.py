"""Optout for one `aiohttp.web.Application`.

    optout.adapters.aiohttp.setup(app, policy="policies/no-training.yaml", evidence="/var/lib/optout/evidence")

Importing this module loads aiohttp and next to nothing else; the policy's and the log's libraries come with `setup`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from optout.adapters.client_address import load_trusted_proxies
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.documents import DocumentSource, Read
    from optout.policy.model import PolicySet

__all__ = ["setup"]


def setup(
    app: web.Application,
    *,
    policy: Path | str | PolicySet | None,
    evidence: Path | str | None,
    state: Path | str | None = None,
    documents: DocumentSource | Read | Path | str | None = None,
    trusted_proxies: Iterable[str] = (),
    forwarded_field: str = "x-forwarded-for",
    observe_only: bool = False,
) -> None:
    """Put Optout before every handler and every other middleware of `app`.

    `policy` is a file, a directory, the name of a ready stance, or policies already loaded; None observes. `evidence`
    is the directory of the log, for as many processes as there are; None keeps no record. `state` is the directory of
    the off switch; None is the usual. `documents` is where robots.txt and tdmrep.json are read: None asks `app` itself
    in process; else a directory laid out like the site's root, or `read(authority, path)`, plain or async, which
    returns bytes or None. `trusted_proxies` and `forwarded_field` tell whose word on the client's address counts
    (design part 5.12).

    Call it once, before `app` starts or joins another application. Raises UsageError where that is too late or a
    setting makes no sense, and PolicyError for a policy that does not load; starting `app` raises EvidenceError where
    the log cannot be opened.
    """
    from optout.adapters.aiohttp.documents import source_of  # noqa: PLC0415  see the first lines
    from optout.adapters.aiohttp.door import DOOR, SOFTWARE, install  # noqa: PLC0415
    from optout.adapters.driver import Driver, Settings  # noqa: PLC0415
    from optout.adapters.switch import default_state_directory  # noqa: PLC0415
    from optout.evidence.opening import Opening  # noqa: PLC0415

    if app.frozen or app.pre_frozen:
        raise UsageError(
            "this aiohttp application has started, or is part of another one already",
            "call optout.adapters.aiohttp.setup() right after web.Application() is made",
        )
    if DOOR in app:
        raise UsageError("optout.adapters.aiohttp.setup() was called twice for one application", "call it once")
    settings = Settings(
        state=default_state_directory() if state is None else Path(state),
        software=SOFTWARE,
        policy=policy,
        evidence=None if evidence is None else Path(evidence),
        opening=Opening.JOIN,  # a server may run several processes, all alike
        trusted=load_trusted_proxies(trusted_proxies, forwarded_field),
        observe_only=observe_only,
    )
    install(app, Driver(settings, source_of(app, documents)))
