"""A crawler's own signature in a record, checked again by `optout evidence show` from what the log has kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

_WORDS = {
    "good": "good: the holder of signature.key signed what stands in signature.base",
    "elsewhere": "good, but made for another site than the record's",
    "bad": "bad: signature.key did not sign what stands in signature.base",
    "sealed": "what was signed is in the private part: --private shows it, and checks it",
    "incomplete": "cannot be checked: something of it was cut or may not be kept",
}


def rechecked(log: Path, shown: Mapping[str, object]) -> dict[str, object]:
    """What the signature in a record, and in what was revealed of it, gives when it is checked again.

    And whether its key stands in the key directory that the log has kept under the hash which the record names.
    """
    from optout.evidence.directory import Layout
    from optout.signatures.directory import LONGEST_DIRECTORY
    from optout.signatures.proof import DIRECTORY, is_listed, recheck

    record, private = shown["record"], shown.get("private")
    fields = {**record, **(private if isinstance(private, dict) else {})} if isinstance(record, dict) else {}
    digest = str(fields.get(DIRECTORY, ""))
    try:
        with (Layout(log).snapshots / digest).open("rb") as file:
            document = file.read(LONGEST_DIRECTORY + 1)
    except (OSError, ValueError):
        document = b""
    is_kept = hashlib.sha256(document).hexdigest() == digest
    return {"signature": recheck(fields).value, "signature_key_listed": is_kept and is_listed(fields, document)}


def signature_lines(shown: Mapping[str, object]) -> Iterator[str]:
    """The same for people; nothing where there is no signature."""
    words = _WORDS.get(str(shown["signature"]))
    if words is not None:
        listed = "yes, in the directory that the log has kept" if shown["signature_key_listed"] else "not in this log"
        yield f"signature  {words}"
        yield f"its key    {listed}"
