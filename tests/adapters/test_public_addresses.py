"""Where a name may lead, and that a connection goes to what was checked (SSRF, DNS rebinding)."""

from __future__ import annotations

import asyncio
import socket

import pytest

from optout.adapters.public_addresses import PublicAddresses, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # shared by carriers (RFC 6598)
        "169.254.169.254",  # where clouds tell a machine its secrets
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",  # 127.0.0.1 behind NAT64
        "2002:7f00:1::",  # 127.0.0.1 by 6to4
        "2001:0:7f00:1::",  # by Teredo
        "localhost",
        "2130706433",
        "0x7f.1",
        "",
    ],
)
def test_what_is_not_on_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "104.18.32.47", "2606:4700::6812:202f", "::ffff:8.8.8.8"])
def test_the_rest_is(address: str) -> None:
    assert is_public(address)


async def _resolve(*addresses: str) -> list[str]:
    found = await PublicAddresses(lambda _host, _port: list(addresses)).resolve("keys.example", 443)
    return [each["host"] for each in found]


async def test_the_addresses_that_were_checked_are_those_that_are_given() -> None:
    found = await PublicAddresses(lambda _host, _port: ["8.8.8.8", "2606:4700::1"]).resolve("keys.example", 443)
    assert [(each["host"], each["port"], each["family"]) for each in found] == [
        ("8.8.8.8", 443, socket.AF_INET),
        ("2606:4700::1", 443, socket.AF_INET6),
    ]


@pytest.mark.parametrize("addresses", [(), ("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("8.8.8.8", "::1")])
async def test_one_address_inside_refuses_the_name(addresses: tuple[str, ...]) -> None:
    with pytest.raises(OSError, match="keys\\.example has no public address"):
        await _resolve(*addresses)


async def test_a_name_without_an_end_of_addresses_is_cut() -> None:
    assert len(await _resolve(*(f"8.8.{n}.8" for n in range(200)))) == 16


async def test_the_systems_own_resolver_is_asked_and_loopback_refused() -> None:
    with pytest.raises(OSError, match="localhost has no public address"):
        await PublicAddresses().resolve("localhost", 443)


async def test_a_name_server_that_never_answers_holds_up_its_own_name_alone() -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(host: str, _port: int) -> list[str]:
        if host == "slow.example":
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
        return ["8.8.8.8"]

    resolver = PublicAddresses(look)
    waiting = asyncio.ensure_future(resolver.resolve("slow.example"))
    await asyncio.sleep(0)
    assert await resolver.resolve("quick.example")
    with pytest.raises(TimeoutError):
        await resolver.resolve("slow.example")
    gate.set()
    assert await waiting
    await resolver.close()
