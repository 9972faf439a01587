"""A name server on loopback over real UDP and TCP, whose answers a test writes; it misbehaves on request."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = dict[tuple[str, str], list[str]]
"""Values by name (with its last dot) and kind."""

Manner = Callable[[dns.message.Message, dns.message.Message], bytes | None]
"""What is sent for a question and its honest answer; None is silence."""


def honest(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
    """The answer as it is."""
    return answer.to_wire()


class NameServer:
    """Counts what it is asked."""

    def __init__(self, zone: Zone, manner: Manner, ttl: int) -> None:
        self.zone, self.manner, self.ttl = zone, manner, ttl
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def answer(self, data: bytes) -> bytes | None:
        """The octets for the octets of a question."""
        question = dns.message.from_wire(data)
        name, kind = str(question.question[0].name), dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        alias = self.zone.get((name, "CNAME"))
        values = self.zone.get((name, kind))
        if alias:
            answer.answer.append(dns.rrset.from_text(name, self.ttl, "IN", "CNAME", *alias))
        elif values:
            answer.answer.append(dns.rrset.from_text(name, self.ttl, "IN", kind, *values))
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return self.manner(question, answer)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        answer = self._server.answer(data)
        if answer is not None:
            self._transport.sendto(answer[:65_000], address)


@asynccontextmanager
async def name_server(zone: Zone, manner: Manner = honest, ttl: int = 300) -> AsyncIterator[NameServer]:
    """A server of a zone, on a free port of loopback."""
    server = NameServer(zone, manner, ttl)
    loop = asyncio.get_running_loop()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            answer = server.answer(await reader.readexactly(size))
            if answer is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    while True:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), local_addr=("127.0.0.1", 0))
        server.port = int(transport.get_extra_info("sockname")[1])
        try:
            tcp = await asyncio.start_server(stream, "127.0.0.1", server.port)
        except OSError:  # Free for one protocol, taken for the other.
            transport.close()
        else:
            break
    try:
        yield server
    finally:
        transport.close()
        tcp.close()
