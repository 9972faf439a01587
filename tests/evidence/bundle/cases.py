"""A log of two tenants, a bundle of one of them, and a thousand ways of falsifying it."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from optout.evidence.bundle import Scope, plan_bundle, write_bundle
from optout.evidence.bundle.bag import MANIFEST, SIGNED, TAGMANIFEST, manifest
from optout.evidence.checkpoint import Checkpoint, Signer
from optout.evidence.directory import Layout
from optout.evidence.signing import load_signer
from tests.evidence.setting import crawl, open_log

OURS, THEIRS = "alice.example", "bob.example"
CANARY = "neighbor-canary"
PAGES = {"START-HERE.pdf": b"%PDF-1.4 a page", "data/report.html": b"<p>7 visits</p>"}
CUSTODY = [{"act": "export", "by": "clerk", "time_us": 1_795_000_000_000_000}]


def make_log(home: Path, visits: int = 40) -> Layout:
    """A closed log: every third visit is a neighbor's, with a canary in each of its fields."""
    log = open_log(home)
    shared = log.snapshot("robots.txt", b"User-agent: *\nDisallow: /\n", **{"server.address": THEIRS})
    own = log.snapshot("robots.txt", b"User-agent: GPTBot\nDisallow: /art/\n", **{"server.address": OURS})
    told = []
    for number in range(visits):
        ours = number % 3 != 2
        site = OURS if ours else THEIRS
        more: dict[str, object] = {
            "tenant": site,
            "server.address": site,
            "time_us": 1_795_000_000_000_000 + number,
            "robots.sha256": own if ours and number % 2 else shared,
        }
        if not ours:
            more |= {"url.path": f"/{CANARY}/{number}", "user_agent.original": CANARY}
        told.append(log.append(crawl(number, **more)))
        told.append(
            log.append(
                {
                    "type": "crawl.outcome",
                    "crawl.request.id": f"00000000-0000-7000-8000-{number:012d}",
                    "tenant": site,
                    "http.response.body.size": 0 if ours else 31337,
                }
            )
        )
    log.gap("bypass", 1, 2, site=THEIRS)
    log.gap("queue-full", 1, 2, count=3)
    for each in told:
        each.result(20)
    log.close()
    return Layout(home)


def make_bundle(layout: Layout, out: Path, scope: Scope | None = None, **more: object) -> bytes:
    """The bytes of a bundle of our tenant."""
    plan = plan_bundle(layout, scope or Scope(tenant=OURS))
    given: dict[str, object] = {
        "pages": PAGES,
        "custody": CUSTODY,
        "bag_info": {"Source-Organization": "a log"},
        **more,
    }
    write_bundle(plan, out, signer=load_signer(layout.key, layout.vkey), **given)  # type: ignore[arg-type]
    return out.read_bytes()


def files_of(bundle: bytes) -> dict[str, bytes]:
    """The files in a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repack(files: Mapping[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda entry: None) -> bytes:
    """A zip of files as a bundle has it, but for `change`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            change(entry)
            archive.writestr(entry, files[name])
    return out.getvalue()


def with_manifests(files: Mapping[str, bytes], signer: Signer | None = None) -> dict[str, bytes]:
    """The files with manifests that fit them, signed anew if a signer is given."""
    whole = {name: data for name, data in files.items() if name not in (MANIFEST, TAGMANIFEST)}
    payload = {name: data for name, data in whole.items() if name.startswith("data/")}
    whole[MANIFEST] = manifest(payload)
    tags = {name: data for name, data in whole.items() if name not in payload and name != SIGNED}
    whole[TAGMANIFEST] = manifest(tags)
    if signer is not None:
        lines = "".join(f"{hashlib.sha256(whole[name]).hexdigest()}  {name}\n" for name in (MANIFEST, TAGMANIFEST))
        whole[SIGNED] = signer.sign_text(f"optout evidence bundle v1\n{signer.name}\n{lines}")
    return whole


def mutants(bundle: bytes, older: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """A thousand false bundles with what is false about them; `older` is a checkpoint from elsewhere."""
    return ((what, data) for what, data in _mutants(bundle, older, seed) if data != bundle)


def _mutants(bundle: bytes, older: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(seed)
    files = files_of(bundle)
    for _ in range(500):
        place, bit = chance.randrange(len(bundle)), 1 << chance.randrange(8)
        yield f"bit {bit} of byte {place} flipped", _put(bundle, place, bundle[place] ^ bit)
    for _ in range(60):
        cut = chance.randrange(len(bundle))
        yield f"cut at {cut}", bundle[:cut]
        yield f"a byte put in at {cut}", bundle[:cut] + b"\x00" + bundle[cut:]
    yield "a byte behind", bundle + b"\x00"
    yield "a stub before", b"#!/bin/sh\n" + bundle
    yield from _edited(files, chance)
    yield from _moved(files, chance)
    yield from _archives(files)
    yield from _foreign(files, older)


def _put(data: bytes, place: int, octet: int) -> bytes:
    return data[:place] + bytes([octet]) + data[place + 1 :]


def _edited(files: dict[str, bytes], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Files edited, with manifests that fit."""
    names = sorted(name for name in files if files[name] and name not in (MANIFEST, TAGMANIFEST))
    for _ in range(200):
        name = chance.choice(names)
        data = _put(files[name], chance.randrange(len(files[name])), chance.randrange(32, 127))
        if data != files[name]:
            yield f"{name} edited", repack(with_manifests({**files, name: data}))
    for name in ("data/report.html", "data/custody.ndjson", "data/index.csv", "START-HERE.pdf"):
        longer = files[name] + files[name].splitlines(keepends=True)[-1]
        yield f"a line more in {name}", repack(with_manifests({**files, name: longer}))
        yield (
            f"a line less in {name}",
            repack(with_manifests({**files, name: b"".join(files[name].splitlines(True)[:-1])})),
        )
    lines = files["data/records.ndjson"].splitlines(keepends=True)
    rows = files["data/index.csv"].splitlines(keepends=True)
    for place in range(1, 40):
        fewer = {
            "data/records.ndjson": b"".join(lines[:place] + lines[place + 1 :]),
            "data/index.csv": b"".join(rows[: place + 1] + rows[place + 2 :]),
        }
        if place < len(lines):
            yield f"record {place} left out everywhere", repack(with_manifests({**files, **fewer}))


def _moved(files: dict[str, bytes], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Files dropped, swapped, renamed, added; with manifests that fit and with those that were there."""
    names = sorted(files)
    for name in names:
        rest = {each: data for each, data in files.items() if each != name}
        yield f"{name} dropped", repack(rest)
        yield f"{name} dropped from the manifests, too", repack(with_manifests(rest) if name != SIGNED else rest)
        if name not in (MANIFEST, TAGMANIFEST):
            yield f"{name} renamed", repack(with_manifests({**rest, f"{name}.old": files[name]}))
    for _ in range(60):
        one, two = chance.sample(names, 2)
        if files[one] != files[two]:
            yield f"{one} and {two} swapped", repack({**files, one: files[two], two: files[one]})
            yield (
                f"{one} and {two} swapped with manifests",
                repack(with_manifests({**files, one: files[two], two: files[one]})),
            )
    for name in ("data/extra", "extra", "data/private/00000000-0000-7000-8000-000000000000.json"):
        yield f"{name} added", repack({**files, name: b"{}"})
        yield f"{name} added with manifests", repack(with_manifests({**files, name: b"{}"}))


def _archives(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The same files in another archive."""
    changes: dict[str, Callable[[zipfile.ZipInfo], None]] = {
        "another date": lambda entry: setattr(entry, "date_time", (2020, 1, 1, 0, 0, 0)),
        "an extra field": lambda entry: setattr(entry, "extra", b"\x01\x00\x00\x00"),
        "a comment": lambda entry: setattr(entry, "comment", b"x"),
        "compressed": lambda entry: setattr(entry, "compress_type", zipfile.ZIP_DEFLATED),
        "another mode": lambda entry: setattr(entry, "external_attr", 0o120777 << 16),
        "another system": lambda entry: setattr(entry, "create_system", 0),
        "outside": lambda entry: setattr(entry, "filename", f"../{entry.filename}"),
        "absolute": lambda entry: setattr(entry, "filename", f"/{entry.filename}"),
    }
    for name, change in changes.items():
        yield name, repack(files, change)
    out = io.BytesIO(repack(files))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"a comment of the archive"
    yield "a comment of the archive", out.getvalue()
    for name in sorted(files):
        out = io.BytesIO(repack(files))
        with zipfile.ZipFile(out, "a") as archive:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            _twice(archive, entry, files[name])
        yield f"{name} twice", out.getvalue()
    out = io.BytesIO(repack(files))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(zipfile.ZipInfo("data/", (1980, 1, 1, 0, 0, 0)), b"")
    yield "a directory", out.getvalue()


def _twice(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, data: bytes) -> None:
    del archive.NameToInfo[entry.filename]  # else zipfile warns
    archive.writestr(entry, data)


def _foreign(files: dict[str, bytes], older: bytes) -> Iterator[tuple[str, bytes]]:
    """Signed by another key of the same name; an older checkpoint; an older one with the rest signed anew."""
    name = files["data/trust/log.vkey"].decode().partition("+")[0]
    forger = Signer(name=name, private=Ed25519PrivateKey.generate())
    yield "an older checkpoint", repack(with_manifests({**files, "data/checkpoint": older}))
    size = int(files["data/checkpoint"].split(b"\n")[1])
    for claimed in (size, size + 1, size * 2):
        note = forger.sign(Checkpoint(origin=name, size=claimed, root=bytes(32)))
        yield "a forged checkpoint", repack(with_manifests({**files, "data/checkpoint": note}, forger))
    own = {**files, "data/trust/log.vkey": f"{forger.verifier}\n".encode()}
    yield "all signed by another key", repack(with_manifests(own, forger))
    yield "signed by another key", repack(with_manifests(files, forger))
