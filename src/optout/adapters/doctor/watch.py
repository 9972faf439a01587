"""How `optout doctor` learns what arrives at a door: an invitation in the state directory, and the door's answer.

    doctor.json                 a number that nobody can guess, for a minute: who may write here is the owner
    doctor-<number>-<id>.json   what a door is, and what it saw of requests with the number in `Optout-Doctor`

Rule 1: without the file nothing is looked for; with it, only requests of recognized crawlers are. A person costs
        nothing, and nothing that a stranger sends is ever written.
Rule 2: whoever carries the number is judged and answered like anybody, and is not recorded as a crawler. How many were
        left out stands in the log, as `log.gap reason=doctor`.
Rule 3: a request only remembers; the upkeep's thread reads and writes the files.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from optout.adapters.client_address import TrustedProxies
from optout.adapters.intake import now_us
from optout.engine import Outcome
from optout.errors import UsageError
from optout.evidence.files import replace_file
from optout.evidence.recorder import Recorder
from optout.messages import Fields, Request

FIELD = "Optout-Doctor"
VALID_US = 60_000_000
_NUMBER = re.compile(r"[A-Za-z0-9_-]{20,64}\Z", re.ASCII)  # it stands in a file's name
_MOST = 64  # requests of one number: a doctor sends about twenty
_INVITATION = "doctor.json"
_TOLD = ("x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-proto", "x-forwarded-host", "via")
_LONGEST = 500  # characters of a field that is written down


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """The number that a doctor's requests carry, and until when (µs since 1970 UTC)."""

    number: str
    until_us: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the doctor's as it arrived; `action` is "" where no policy speaks about it.

    `forwarded` are the fields in which proxies speak of a visitor. `status` None: the site itself answered.
    """

    authority: str
    scheme: str
    target: str
    user_agent: str
    address: str | None
    source: str
    forwarded: dict[str, str]
    action: str = ""
    enforced: bool = False
    clause: str = ""
    status: int | None = None


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What a running door says of itself. Sizes in bytes, time in µs since 1970 UTC; `policy` "" is not a file."""

    software: str
    pid: int
    policy: str
    trusted: list[str]
    forwarded_field: str
    observe_only: bool
    evidence: str = ""
    log_writable: bool = False
    log_trouble: str = ""
    log_used: int = 0
    log_max: int = 0
    checkpoint_us: int = 0
    seen: list[Seen] = []  # msgspec copies it for each


_invitations = msgspec.json.Decoder(Invitation)
_doors = msgspec.json.Decoder(Door)


class DoctorWatch:
    """A door's eye on the invitation. `describe` says what the door is; the door sets it."""

    def __init__(self, state: Path) -> None:
        self.describe: Callable[[], Door] | None = None
        self.invitation: Invitation | None = None
        self.unrecorded = 0
        self._state = state
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"  # one process may hold several doors
        self._seen: list[Seen] = []
        self._written = -1
        self._answer: Path | None = None

    def look(self) -> None:
        """Read the invitation, and write down what was seen for it. Waits for the disk: call it in a thread."""
        try:
            invitation = _invitations.decode((self._state / _INVITATION).read_bytes())
        except (OSError, ValueError, msgspec.MsgspecError):
            invitation = None
        if invitation is not None and not (_NUMBER.match(invitation.number) and now_us() < invitation.until_us):
            invitation = None
        if invitation != self.invitation:
            self._forget()
            self.invitation = invitation
        if invitation is not None and self.describe is not None and self._written != len(self._seen):
            seen = list(self._seen)
            door = msgspec.structs.replace(self.describe(), seen=seen)
            self._answer = self._state / f"doctor-{invitation.number}-{self._name}.json"
            with suppress(OSError):  # the doctor says that it heard nothing
                replace_file(self._answer, msgspec.json.encode(door))
            self._written = len(seen)

    def _forget(self) -> None:
        """Take away what was written: the doctor has read it, or is gone."""
        self._seen, self._written = [], -1
        if self._answer is not None:
            with suppress(OSError):
                self._answer.unlink(missing_ok=True)
            self._answer = None

    def expects(self, fields: Fields) -> bool:
        """Whether a request carries the number that is invited now."""
        invitation, number = self.invitation, fields.first(FIELD)
        if invitation is None or number is None or len(self._seen) >= _MOST:
            return False
        is_it = hmac.compare_digest(number.encode("utf-8", "replace"), invitation.number.encode("utf-8", "replace"))
        return is_it and now_us() < invitation.until_us

    def saw(self, request: Request, outcome: Outcome | None) -> None:
        """Remember how a request of the doctor's arrived, and what it was answered; None: no policy speaks about it."""
        self.unrecorded += 1
        seen = Seen(
            authority=_plain(request.authority),
            scheme=request.scheme,
            target=_plain(request.target),
            user_agent=_plain(request.user_agent),
            address=request.client.address,
            source=request.client.source.value,
            forwarded={name: _plain(", ".join(values)) for name in _TOLD if (values := request.fields.all(name))},
        )
        if outcome is not None:
            seen = msgspec.structs.replace(
                seen,
                action=outcome.decision.action.value,
                enforced=outcome.decision.enforced,
                clause=outcome.decision.clause,
                status=None if outcome.response is None else outcome.response.status,
            )
        self._seen.append(seen)


def describe(
    *,
    software: str,
    policy: str,
    trusted: TrustedProxies,
    observe_only: bool,
    evidence: Path | None,
    log: Recorder | None,
) -> Door:
    """What a door of this process is."""
    door = Door(
        software=software,
        pid=os.getpid(),
        policy=str(Path(policy).absolute()) if policy and Path(policy).exists() else policy,
        trusted=[str(network) for network in trusted.networks],
        forwarded_field=trusted.field,
        observe_only=observe_only,
    )
    if log is None or evidence is None:
        return door
    health = log.health
    return msgspec.structs.replace(
        door,
        evidence=str(evidence.absolute()),
        log_writable=health.writable,
        log_trouble=health.trouble,
        log_used=health.used_bytes,
        log_max=health.max_bytes,
        checkpoint_us=health.checkpoint_us,
    )


@contextmanager
def invited(state: Path) -> Iterator[str]:
    """A number that doors with this state directory answer to, for as long as the block lasts.

    Raises UsageError where the state directory cannot be written.
    """
    number = secrets.token_urlsafe(24)
    path, is_new = state / _INVITATION, not state.exists()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)  # a door that keeps its evidence elsewhere makes none
        owner = state.stat()
        replace_file(path, msgspec.json.encode(Invitation(number=number, until_us=now_us() + VALID_US)))
        if os.geteuid() == 0:  # the door runs as somebody else, and has to read it
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as fault:
        raise UsageError(
            f"cannot ask the door in {state}: {fault.strerror}",
            "run it as root or as the user that Optout runs as, or give --state the directory that the door was given",
        ) from fault
    try:
        yield number
    finally:
        for left in (path, *state.glob(f"doctor-{number}-*.json")):
            with suppress(OSError):
                left.unlink()
        if is_new:
            with suppress(OSError):
                state.rmdir()


def read_doors(state: Path, number: str) -> tuple[Door, ...]:
    """What the doors that saw the invitation have told until now."""
    found = []
    for path in sorted(state.glob(f"doctor-{number}-*.json")):
        with suppress(OSError, ValueError, msgspec.MsgspecError):
            found.append(_doors.decode(path.read_bytes()))
    return tuple(found)


def _plain(text: str) -> str:
    """A stranger's text without what JSON cannot hold."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()
