"""A real mitmdump with the addon, in a process of its own, and raw sockets to it."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import cached_property
from pathlib import Path

from tests.judge import leaves

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("mitmdump")
ASSISTANT = "Mozilla/5.0 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
STARTS_WITHIN_S = 60  # a hang guard, not a figure


class Mitmdump:
    """A running child. `output` is all that it has said, on both streams."""

    def __init__(
        self,
        place: Path,
        origin_port: int,
        *options: str,
        policy: str = "no-training",
        upstream: str = "http://127.0.0.1",
        script: str = "addons/optout_addon.py",
        env: dict[str, str] | None = None,
    ) -> None:
        self.state = place / "state"
        self.home = place / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self._said = bytearray()
        arguments = [
            str(COMMAND), "--mode", f"reverse:{upstream}:{origin_port}", "-s", script,
            "--set", f"optout_policy={policy}", "--set", f"optout_state={self.state}", "--listen-port", "0", *options,
        ]  # fmt: skip
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "OPTOUT"))}
        self.process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env={**clean, "HOME": str(self.home), "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Mitmdump:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def output(self) -> str:
        self._read(0)
        return self._said.decode("utf-8", "backslashreplace")

    def _read(self, wait: float) -> bool:
        """Take in what there is to read; False at the end."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        while select.select([descriptor], [], [], wait)[0]:
            data = os.read(descriptor, 65536)
            if not data:
                return False
            self._said += data
            wait = 0
        return True

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match of `pattern` in the output, once it is there."""
        until = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until:
            is_open = self._read(0.05)
            found = re.search(pattern, self.output)
            if found is not None:
                return found
            if not is_open:
                break
        raise AssertionError(f"mitmdump never said {pattern!r}:\n{self.output}")

    @cached_property
    def port(self) -> int:
        return int(self.wait_for(r"listening at [^\n]*?:(\d+)")[1])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait until it did."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has one."""
        until = time.monotonic() + STARTS_WITHIN_S
        while self._read(0.1) and time.monotonic() < until:
            pass
        return self.process.wait(STARTS_WITHIN_S)

    def memory(self) -> int:
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> bytes:
        """Everything that comes back for `data` on one connection, until the door closes it."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def ask(
        self,
        path: str = "/page",
        agent: str = CHROME,
        *,
        method: str = "GET",
        host: str = "site.example",
        fields: str = "",
        body: bytes = b"",
    ) -> bytes:
        """The whole answer to one request on a connection of its own."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n{fields}\r\n"
        return self.send(head.encode("utf-8", "surrogateescape") + body)


def read_all(connection: socket.socket) -> bytes:
    data = bytearray()
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return bytes(data)


def read_answer(connection: socket.socket) -> bytes:
    """One whole answer that says how long it is."""
    head = read_until(connection, b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    data = bytearray(head)
    while length is not None and len(data) < len(head) + int(length[1]):
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return bytes(data)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = bytearray()
    while not data.endswith(end):
        part = connection.recv(1)
        if not part:
            break
        data += part
    return bytes(data)


def records(child: Mitmdump, kind: str) -> list[dict[str, object]]:
    return [leaf for leaf in leaves(child.state / "evidence") if leaf["type"] == kind]


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def head_and_body(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower(), body


def outcome_of(child: Mitmdump, request: dict[str, object]) -> dict[str, object]:
    """The outcome of a recorded request, once it is there: it may follow the answer."""
    for _ in range(600):
        found = [leaf for leaf in records(child, "crawl.outcome") if leaf["crawl.request.id"] == request["id"]]
        if found:
            return found[0]
        threading.Event().wait(0.05)
    raise AssertionError("no outcome was recorded")
