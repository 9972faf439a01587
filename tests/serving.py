"""Shared by tests of `optout serve`: the command in a process of its own, as its owner runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ENDS_WITHIN_S = 60.0  # a guard against hanging; nothing is asserted about time


@dataclass
class Serving:
    """A running `optout serve`."""

    process: subprocess.Popen[str]
    said: dict[str, Any]
    stderr: Path

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(str(self.said["listening"]).rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_ENDS_WITHIN_S)

    def output(self) -> str:
        """All that it printed after its first line; call it when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read() + self.stderr.read_text()


@contextmanager
def serving(place: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[Serving]:
    """`optout serve` with these options on a free port, ready for visitors."""
    command = [sys.executable, "-m", "optout", "serve", "--json", "--listen", "127.0.0.1:0"]
    command += ["--state", str(place / "state"), *options]
    stderr = place / "stderr.txt"
    with stderr.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **(environment or {})}
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, stderr.read_text()
        yield Serving(process, json.loads(line), stderr)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(_ENDS_WITHIN_S)
        assert process.stdout is not None
        process.stdout.close()
