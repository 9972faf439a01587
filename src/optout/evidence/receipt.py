"""What becomes of a record: a receipt once it is on disk, or a reason why it is not.

Every record given to the log ends in exactly one of these two, and each of the second kind is counted in a
`log.gap` record (evidence.md part 5.4: never a silent drop).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from optout.errors import EvidenceError


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Proof to the caller that a record is durable: fdatasync has returned for its bytes.

    `index` is the record's place in the log and its leaf's in the tree; None while it waits in a spool. `seq` is its
    number within this start of the writer, `leaf` the leaf hash.
    """

    index: int | None
    seq: int
    leaf: bytes


class Told(Protocol):
    """Who is told what became of a record, once: a future, or something lighter."""

    def set_result(self, receipt: Receipt, /) -> None:
        """It is on disk."""

    def set_exception(self, fault: BaseException, /) -> None:
        """It is not, and a NotLoggedError says why."""

    def done(self) -> bool:
        """Whether it has been told."""


class Loss(StrEnum):
    """Why a record was not written. Permanent: the values stand in `log.gap` records."""

    CONTENT = "content"  # not a record: our own fault, such as a float or a name that is not ASCII
    QUEUE_FULL = "queue-full"  # the disk is slower than the records come
    FLOOD = "flood"  # more than the budget allows in a minute for one key
    BUDGET = "budget"  # the log has reached its largest size
    DISK_FULL = "disk-full"
    DISK_FAULT = "disk-fault"  # any other refusal of the file system
    CLOSED = "closed"


class NotLoggedError(EvidenceError):
    """A record was not written; `loss` says why. The log has counted it, the caller need not."""

    def __init__(self, loss: Loss, what: str) -> None:
        super().__init__(what)
        self.loss = loss
