"""The mitmproxy door's memory: flat, whatever passes and whatever is refused (issue 2, point 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.mitmdump import ASSISTANT, CHROME, GPTBOT, Mitmdump, read_until, records
from tests.doors.raw_origin import RawOrigin, silence

MB = 1 << 20


@pytest.fixture
def origin(raw_origin: RawOrigin) -> RawOrigin:
    raw_origin.heads.clear()
    return raw_origin


@pytest.mark.slow
class TestMemory:
    """Flat, whatever passes and whatever is refused (issue 2, point 6)."""

    ALLOWED = 24 * MB  # far below one body, far above the allocator's noise

    @pytest.fixture
    def child(self, origin: RawOrigin, tmp_path: Path) -> Iterator[Mitmdump]:
        with Mitmdump(tmp_path, origin.port) as child:
            for agent in (CHROME, GPTBOT, ASSISTANT) * 50:
                child.ask("/page", agent)
            yield child

    @pytest.mark.parametrize("framing", [f"Content-Length: {300 * MB}", "Transfer-Encoding: chunked"])
    def test_a_refused_upload_of_300_mb(self, child: Mitmdump, origin: RawOrigin, framing: str) -> None:
        before, origin.heads[:] = child.memory(), []
        block = b"z" * MB if framing.startswith("Content") else b"%x\r\n%s\r\n" % (MB, b"z" * MB)
        with child.connect() as connection:
            head = f"POST /up HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {GPTBOT}\r\n{framing}\r\n\r\n"
            connection.sendall(head.encode())
            largest = before
            try:
                for _ in range(300):
                    connection.sendall(block)
                    largest = max(largest, child.memory())
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may be cut off
        assert largest - before < self.ALLOWED
        assert origin.heads == []
        assert records(child, "crawl.request")[-1]["http.response.status_code"] == 403

    def test_an_upload_that_comes_while_it_is_judged(self, tmp_path: Path) -> None:
        """The origin's documents are waited for, and mitmproxy would gather meanwhile what the crawler sends."""
        hanging = {b"/robots.txt": silence, b"/.well-known/tdmrep.json": silence}
        with RawOrigin(answers=hanging) as origin, Mitmdump(tmp_path, origin.port) as child:
            assert child.ask("/page", CHROME)
            before = largest = child.memory()
            with child.connect() as connection:
                connection.sendall(b"POST /up HTTP/1.1\r\nHost: other.example\r\nUser-Agent: GPTBot\r\n")
                connection.sendall(f"Content-Length: {300 * MB}\r\n\r\n".encode())
                for _ in range(300):
                    connection.sendall(b"z" * MB)
                    largest = max(largest, child.memory())
            assert largest - before < self.ALLOWED

    @pytest.mark.parametrize("agent", [CHROME, ASSISTANT])
    def test_a_download_that_nobody_reads(self, child: Mitmdump, agent: str) -> None:
        before = child.memory()
        with child.connect() as connection:
            connection.sendall(f"GET /endless HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n\r\n".encode())
            read_until(connection, b"\r\n\r\n")
            for _ in range(50):  # others are served, and all buffers on the way fill up
                child.ask("/page")
            assert child.memory() - before < self.ALLOWED
            for _ in range(2000):
                connection.recv(65536)
        assert child.memory() - before < self.ALLOWED

    def test_thousands_of_requests_of_every_kind(self, child: Mitmdump) -> None:
        def round_of(number: int) -> int:
            for place in range(number):
                child.ask(f"/page/{place}", CHROME)
                child.ask(f"/page/{place}", f"{GPTBOT} {place}")
                child.ask(f"/page/{place}", ASSISTANT, method="HEAD")
                child.send(b"GET /%d HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n" % place)
            return child.memory()

        warm = round_of(1000)
        assert round_of(2000) - warm < self.ALLOWED // 3
