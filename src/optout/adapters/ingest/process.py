"""`optout evidence ingest` as a process: opens the log, follows the sources, ends on SIGTERM with everything saved."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from optout.adapters.crawler_files import registry_in_use
from optout.adapters.ingest import Following, Ingest, LogFiles
from optout.adapters.ingest.positions import Positions
from optout.adapters.ingest.recent import read_recent
from optout.adapters.ingest.syslog import PREFIX, SyslogSocket
from optout.adapters.policy_files import load_policy_set, read_policy_files
from optout.errors import UsageError
from optout.evidence.directory import HeldError
from optout.evidence.opening import Opening, open_log
from optout.evidence.recorder import Recorder

_LOOK_EVERY_S = 0.5
_MOST_WAITED_S = 0.5  # with a socket: how long files wait while no datagram comes


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What to read into which log. `policy` is a file, a directory or the name of a ready stance, or None."""

    directory: Path
    logs: tuple[str, ...]
    software: str
    follow: bool = False
    policy: str | None = None


def ingest(options: IngestOptions, on_ready: Callable[[tuple[str, ...]], None]) -> Counter[str]:
    """Read, and with `follow` read on until SIGTERM or SIGINT; what was counted.

    `on_ready` is told once where sockets listen. Raises OptoutError for what cannot be opened or written.
    """
    files = tuple(Path(name) for name in options.logs if not name.startswith(PREFIX))
    if not options.follow:
        _check_there(options, files)
    ended = threading.Event()
    with ExitStack() as opened:
        before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)}
        for number, handler in before.items():
            opened.callback(signal.signal, number, handler)
        log = _open(options)
        opened.callback(log.close)
        followed = []
        for path in files:
            positions = Positions(options.directory, path)
            opened.callback(positions.close)
            followed.append(LogFiles(path, positions))
        sockets = []
        for name in options.logs:
            if name.startswith(PREFIX):
                sockets.append(SyslogSocket(name))
                opened.callback(sockets[-1].close)
        tenants = _keep_policies(log, options.policy)
        ingesting = Ingest(log, registry_in_use(), read_recent(options.directory), tenants)
        following = Following(ingesting, followed, sockets, ended.is_set)
        on_ready(tuple(socket.address for socket in sockets))
        if not options.follow:
            following.read_files()
        while options.follow and not ended.is_set():
            following.follow()
            if sockets:
                following.read_sockets(_MOST_WAITED_S / len(sockets))
            else:
                ended.wait(_LOOK_EVERY_S)
        return ingesting.counts


def _open(options: IngestOptions) -> Recorder:
    """The log itself, or a spool beside the door that holds it.

    It never takes a log over that a door held: the door would find it taken when it starts again.
    """
    try:
        return open_log(options.directory, Opening.HOLD, software=options.software)
    except HeldError:
        return open_log(options.directory, Opening.SPOOL, software=options.software)


def _check_there(options: IngestOptions, files: tuple[Path, ...]) -> None:
    if len(files) < len(options.logs):
        raise UsageError("a syslog socket has no end to read to", "add --follow")
    for path in files:
        if not path.exists():
            raise UsageError(f"there is no log {path}", "name the file that the front end writes, or add --follow")


def _keep_policies(log: Recorder, policy: str | None) -> dict[str, str]:
    """The tenants of the owner's policies by their SHA-256; the log keeps the policies themselves.

    Raises UsageError or PolicyError for what cannot be read.
    """
    if policy is None:
        return {}
    policies, _ = load_policy_set(policy, registry_in_use())
    for name, data in read_policy_files(policy).items():
        log.snapshot("policy", data, file=name)
    return {each.digest: each.tenant for each in policies}
