"""The PCRE2 library that nginx, HAProxy and Apache search with, so that tests ask the very matcher."""

from __future__ import annotations

import ctypes
from functools import cache

_LIBRARY = ctypes.CDLL("libpcre2-8.so.0")
_SIZE = ctypes.c_size_t
_POINTER = ctypes.c_void_p


def _function(name: str, result: object, *arguments: object):  # type: ignore[no-untyped-def]
    found = getattr(_LIBRARY, f"pcre2_{name}_8")
    found.restype, found.argtypes = result, arguments
    return found


_compile = _function(
    "compile",
    _POINTER,
    ctypes.c_char_p,
    _SIZE,
    ctypes.c_uint32,
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(_SIZE),
    _POINTER,
)
_jit = _function("jit_compile", ctypes.c_int, _POINTER, ctypes.c_uint32)
_data = _function("match_data_create_from_pattern", _POINTER, _POINTER, _POINTER)
_match = _function("match", ctypes.c_int, _POINTER, ctypes.c_char_p, _SIZE, _SIZE, ctypes.c_uint32, _POINTER, _POINTER)
_ovector = _function("get_ovector_pointer", ctypes.POINTER(_SIZE), _POINTER)
_context = _function("match_context_create", _POINTER, _POINTER)
_limit = _function("set_match_limit", ctypes.c_int, _POINTER, ctypes.c_uint32)
_NO_MATCH = -1


class Pcre:
    """One expression. It is compiled for JIT, as with `pcre_jit on`, unless `limit` counts the matcher's steps."""

    def __init__(self, expression: str, *, limit: int = 0) -> None:
        written = expression.encode("ascii")
        fault, place = ctypes.c_int(), _SIZE()
        self._code = _compile(written, len(written), 0, fault, place, None)
        assert self._code, f"PCRE2 refuses an expression: fault {fault.value} at {place.value} of {expression}"
        self._context = None
        if limit:
            self._context = _context(None)
            _limit(self._context, limit)
        else:
            assert _jit(self._code, 1) == 0
        self._found = _data(self._code, None)

    def search(self, text: bytes) -> bytes | None:
        """Group 1 where the expression is found (b"" if it has none); None where it is not."""
        count = _match(self._code, text, len(text), 0, 0, self._found, self._context)
        assert count > 0 or count == _NO_MATCH, f"PCRE2 answers {count}"
        if count < 0:
            return None
        places = _ovector(self._found)
        return text[places[2] : places[3]] if count > 1 else b""


@cache
def pcre(expression: str) -> Pcre:
    """An expression, compiled once."""
    return Pcre(expression)
