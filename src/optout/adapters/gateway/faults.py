"""What the gateway itself answers where a request goes no further: in a few words, which no cache keeps."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """The status and the words of an answer."""

    status: int
    text: str


# What two servers could read in two ways, or only one could.
MALFORMED = Fault(400, "The request is malformed.")
TOO_LARGE = Fault(400, "The head of the request is too large.")
NO_HTTP = Fault(400, "This is no request of HTTP.")
NO_HOST = Fault(400, "The request names no host, or more than one.")
TWO_AGENTS = Fault(400, "The request has two User-Agent fields.")
OLD_CODING = Fault(400, "HTTP/1.0 knows no Transfer-Encoding.")  # RFC 9112 section 6.1: the framing is faulty
CODING = Fault(501, "The only transfer coding here is chunked.")  # else the origin would get coded content
VERSION = Fault(505, "This gateway speaks HTTP/1.1.")
NOTHING_THERE = Fault(404, "There is nothing at this target.")
NO_TUNNEL = Fault(404, "There is no tunnel here.")

# What goes wrong on the way.
STALLED = Fault(408, "The rest of the request did not come in time.")
UNREACHABLE = Fault(502, "The site cannot be reached.")
SILENT = Fault(504, "The site did not answer in time.")
LOOP = Fault(508, "The request came back to this gateway: its upstream is the gateway itself.")

KEEP_OPEN = frozenset({UNREACHABLE.status, SILENT.status})
"""After these the connection goes on: the visitor's next request may fare better."""
