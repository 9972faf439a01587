"""Nonces that were used: a signature with a nonce counts once (RFC 9421 section 7.2.2)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

MOST = 100_000  # about 15 MB; only signatures that verify are remembered, so no stranger can fill it


class Replays:
    """The nonces of verified signatures, each until its signature expires. Of one process; memory is bounded."""

    __slots__ = ("_most", "_until")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def is_first(self, host: str, keyid: str, nonce: str, *, expires_s: int, now_s: int) -> bool:
        """Whether this nonce is new, which it is not from now on. Times are seconds since 1970 UTC."""
        text = "\0".join((host, keyid, nonce))
        mark = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()
        if self._until.get(mark, now_s) > now_s:
            return False
        self._until[mark] = expires_s
        self._until.move_to_end(mark)
        while self._until and (len(self._until) > self._most or next(iter(self._until.values())) <= now_s):
            self._until.popitem(last=False)
        return True
