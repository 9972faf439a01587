"""How one exchange of a WSGI application is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from optout.adapters.wsgi.meter import Counted, Meter, SizedCounted, counted
from optout.record import Ending


class Server:
    """Takes a status and what is written, and may have lost its client."""

    def __init__(self, *, is_gone: bool = False) -> None:
        self.is_gone = is_gone
        self.starts: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []

    def start_response(self, *arguments: Any) -> Any:
        self.starts.append(arguments)
        return self.write

    def write(self, chunk: bytes) -> None:
        if self.is_gone:
            raise BrokenPipeError
        self.written.append(chunk)


class Closing:
    """An iterable that notes that it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def close(self) -> None:
        self.closed += 1


def metered(method: str = "GET", server: Server | None = None) -> tuple[Meter, list[Ending]]:
    told: list[Ending] = []
    return Meter(method, (server or Server()).start_response, told.append), told


def run(content: Iterable[bytes], *, method: str = "GET", status: str = "200 OK", most: int = 99) -> Ending:
    """The ending of an exchange in which the server takes `most` chunks and closes."""
    meter, told = metered(method)
    meter.start(status, [])
    found = counted(content, meter)
    for _, _ in zip(range(most), found, strict=False):
        pass
    found.close()
    (ending,) = told
    return ending


@pytest.mark.parametrize("content", [[b"abc", b"de"], (b"abcde",), Closing(b"abc", b"", b"de"), iter([b"abc", b"de"])])
def test_what_the_server_took_is_counted(content: Iterable[bytes]) -> None:
    assert run(content) == Ending(status=200, body_bytes=5, aborted=False)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified"), ("GET", "204 ")])
def test_an_answer_without_content_counts_none_and_is_whole_untaken(method: str, status: str) -> None:
    for most in (0, 99):
        ending = run([b"abc"], method=method, status=status, most=most)
        assert ending == Ending(status=int(status[:3]), body_bytes=0, aborted=False)


def test_a_server_that_stops_before_the_end_has_lost_its_client() -> None:
    assert run([b"abc", b"de"], most=1) == Ending(status=200, body_bytes=3, aborted=True)
    assert run([b"abc", b"de"], most=0) == Ending(status=200, body_bytes=0, aborted=True)


def test_an_application_that_never_starts_its_response_has_broken_off() -> None:
    meter, told = metered("HEAD")
    counted([], meter).close()
    assert told == [Ending(status=None, body_bytes=0, aborted=True)]


def test_what_is_written_counts_once_the_server_has_taken_it() -> None:
    server = Server()
    meter, told = metered(server=server)
    write = meter.start("200 OK", [("A", "b")])
    write(b"abc")
    server.is_gone = True
    with pytest.raises(BrokenPipeError):
        write(b"de")
    meter.end(is_whole=False)
    assert told == [Ending(status=200, body_bytes=3, aborted=True)]
    assert (server.starts, server.written) == ([("200 OK", [("A", "b")])], [b"abc"])


def test_a_second_start_replaces_the_first_if_the_server_lets_it() -> None:
    server = Server()
    meter, told = metered(server=server)
    meter.start("200 OK", [])
    meter.start("500 Oops", [], (None, None, None))
    meter.end(is_whole=True)
    assert told == [Ending(status=500, body_bytes=0, aborted=False)]
    assert server.starts[1] == ("500 Oops", [], (None, None, None))


def test_a_start_that_the_server_refuses_changes_nothing() -> None:
    def refuses(status: str, *_: Any) -> Any:
        if status.startswith("500"):
            raise AssertionError("headers were sent")
        return lambda _: None

    told: list[Ending] = []
    meter = Meter("GET", refuses, told.append)
    meter.start("200 OK", [])
    with pytest.raises(AssertionError):
        meter.start("500 Oops", [])
    meter.end(is_whole=False)
    assert told[0].status == 200


def test_a_status_that_lazy_content_starts_with_is_known_at_the_end() -> None:
    meter, told = metered()

    def lazy() -> Iterator[bytes]:
        meter.start("201 Created", [])
        yield b"ab"

    found = counted(lazy(), meter)
    assert list(found) == [b"ab"]
    found.close()
    assert told == [Ending(status=201, body_bytes=2, aborted=False)]


def test_the_end_is_told_once_and_the_content_closed_as_often_as_the_server_says() -> None:
    meter, told = metered()
    content = Closing(b"ab")
    found = counted(content, meter)
    assert content.closed == 0
    found.close()
    found.close()
    assert (len(told), content.closed) == (1, 2)


def test_content_that_fails_to_close_is_told_all_the_same() -> None:
    class Failing(Closing):
        def close(self) -> None:
            raise LookupError("of its own")

    meter, told = metered()
    found = counted(Failing(b"ab"), meter)
    with pytest.raises(LookupError):
        found.close()
    assert len(told) == 1


def test_content_has_a_length_where_it_had_one_for_servers_make_a_content_length_of_it() -> None:
    meter, _ = metered()
    sized, plain = counted([b"ab"], meter), counted(iter([b"ab"]), meter)
    assert isinstance(sized, SizedCounted)
    assert len(sized) == 1
    assert type(plain) is Counted
    assert iter(sized) is sized
