"""A real Chromium, driven over its DevTools protocol: open a page, run a script in it, put a file into it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_STARTS_WITHIN_S = 60.0
_SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0")


class Page:
    """One open page; `errors` are those of its console."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0
        self.errors: list[str] = []

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Ask the browser."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            told = json.loads((await self._socket.receive(timeout=_STARTS_WITHIN_S)).data)
            if told.get("method") == "Log.entryAdded":
                self.errors.append(told["params"]["entry"]["text"])
            if told.get("id") == self._number:
                assert "error" not in told, told
                return dict(told["result"])

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited if it is a promise."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """The value of an expression once it is true."""
        async with asyncio.timeout(_STARTS_WITHIN_S):
            while not (value := await self.run(script)):
                await asyncio.sleep(0.02)
        return value

    async def choose_file(self, selector: str, file: Path) -> None:
        """Put a file into a file field, as its user would."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])


@asynccontextmanager
async def open_page(address: str) -> AsyncIterator[Page]:
    """A page in a browser of its own."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: .ci/system-packages.sh installs it"
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [program, *_SWITCHES, f"--user-data-dir={home}", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(home) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                target = await _target(session, port)
                async with session.ws_connect(target, max_msg_size=0) as socket:
                    page = Page(socket)
                    await page.call("Log.enable")
                    await page.until(f"location.href === {address!r} && document.readyState === 'complete'")
                    yield page
        finally:
            process.terminate()
            process.wait(20)


async def _port(file: Path) -> int:
    async with asyncio.timeout(_STARTS_WITHIN_S):
        while not (file.exists() and file.read_text().count("\n")):
            await asyncio.sleep(0.05)
    return int(file.read_text().split("\n")[0])


async def _target(session: aiohttp.ClientSession, port: int) -> str:
    async with asyncio.timeout(_STARTS_WITHIN_S):
        while True:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                for each in await answer.json():
                    if each["type"] == "page":
                        return str(each["webSocketDebuggerUrl"])
            await asyncio.sleep(0.05)
