"""A real timestamp authority on this machine: `openssl ts` behind a small server, and ones that misbehave."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_CONFIG = """[tsa]
default_tsa = here
[here]
serial = {place}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""

Answer = Callable[[bytes], Awaitable[web.Response]]


class Authority:
    """Its certificates and its key lie in `place`; `roots` is what its users are told to believe."""

    def __init__(self, place: Path, *, use: str = "critical,timeStamping", days: int = 365) -> None:
        self.place = place
        place.mkdir(parents=True)
        self._openssl(
            "req", "-x509", *_CURVE, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=A CA", "-days", "999"
        )
        self._openssl("req", *_CURVE, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=An authority")
        (place / "use").write_text(f"extendedKeyUsage={use}\n")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "use", "-days", str(days))
        self._openssl("x509", "-req", "-in", "tsa.csr", *signing, "-out", "tsa.pem")
        (place / "serial").write_text("01\n")
        (place / "tsa.cnf").write_text(_CONFIG.format(place=place))
        self.roots = (place / "ca.pem").read_bytes()

    def reply(self, request: bytes, *, faketime: str = "") -> bytes:
        """The answer to a request, as of another time if one is given."""
        (self.place / "request").write_bytes(request)
        signer = ("-signer", "tsa.pem", "-inkey", "tsa.key")
        before = ("faketime", faketime) if faketime else ()
        self._run(
            *before, "openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request", *signer, "-out", "reply"
        )
        return (self.place / "reply").read_bytes()

    def verify(self, data: bytes, response: bytes, when: str) -> bool:
        """Whether `openssl ts -verify -attime` accepts it, as our documentation says."""
        (self.place / "data").write_bytes(data)
        (self.place / "response").write_bytes(response)
        command = ["openssl", "ts", "-verify", "-in", "response", "-data", "data", "-CAfile", "ca.pem", "-attime", when]
        return subprocess.run(command, cwd=self.place, capture_output=True, check=False).returncode == 0

    async def answer(self, request: bytes) -> web.Response:
        """What it answers when it behaves."""
        return _stamped(await asyncio.to_thread(self.reply, request))

    def _openssl(self, *words: str) -> None:
        self._run("openssl", *words)

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, cwd=self.place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _stamped(data: bytes) -> web.Response:
    return web.Response(body=data, content_type="application/timestamp-reply")


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """The address of an authority that answers so."""

    async def handle(request: web.Request) -> web.Response:
        return await answer(await request.read())

    app = web.Application()
    app.router.add_post("/tsa", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/tsa"
    finally:
        await runner.cleanup()
