"""A bundle as a whole: what it holds, that it is always the same, and what it is refused for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bagit
import pytest

from optout.errors import EvidenceError
from optout.evidence.anchors import keep_anchor
from optout.evidence.bundle import Scope, plan_bundle
from optout.evidence.bundle.verify import verify
from optout.evidence.checkpoint import Checkpoint, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.proofs import LogProof, parse_log_proof
from optout.evidence.signing import load_signer, load_verifier_key
from optout.evidence.timestamp import request_token
from tests.authority import Authority
from tests.evidence.bundle.cases import (
    CANARY,
    OURS,
    PAGES,
    THEIRS,
    files_of,
    make_bundle,
    make_log,
    repack,
    with_manifests,
)
from tests.evidence.setting import crawl, entries, open_log


def test_it_holds_exact_records_and_nobody_elses(layout: Layout, bundle: bytes) -> None:
    files = files_of(bundle)
    stored = [entry.record for entry in entries(layout.root)]
    rows = files["data/index.csv"].decode().split("\r\n")[1:-1]
    records = files["data/records.ndjson"].splitlines()
    assert [stored[int(row.split(",")[0])] for row in rows] == records
    assert CANARY.encode() not in bundle
    assert THEIRS.encode() not in bundle
    assert b"31337" not in files["data/records.ndjson"]


def test_no_secret_is_in_it(layout: Layout, bundle: bytes) -> None:
    secret = layout.key.read_bytes()
    assert not any(line in bundle for line in secret.splitlines() if len(line) > 30)


def test_the_same_request_gives_the_same_bytes(layout: Layout, bundle: bytes, tmp_path: Path) -> None:
    assert make_bundle(layout, tmp_path / "again.zip") == bundle


def test_its_parts_are_those_that_the_readme_names(bundle: bytes) -> None:
    files = files_of(bundle)
    readme = files["README.txt"].decode()
    parts = {"/".join(name.split("/")[:2]) for name in files} - {"README.txt", "bagit.txt", "bag-info.txt"}
    for part in parts:
        assert ("certification-*" if "certification" in part else part) in readme
    assert {*PAGES, "verify.py", "verify.html", "data/statement.md", "data/custody.ndjson"} <= files.keys()


def test_a_small_one_has_a_proof_file_for_each_record(layout: Layout, tmp_path: Path) -> None:
    scope = Scope(ids=frozenset({"00000000-0000-7000-8000-000000000004"}))
    files = files_of(make_bundle(layout, tmp_path / "one.zip", scope))
    key = load_verifier_key(layout.vkey)
    proofs = [name for name in files if name.startswith("data/proofs/")]
    records = dict(
        zip(sorted(int(Path(name).stem) for name in proofs), files["data/records.ndjson"].splitlines(), strict=True)
    )
    for name in proofs:
        proof = parse_log_proof(files[name])
        assert isinstance(proof, LogProof)
        assert proof.check(records[proof.index], key) is None


# bagit's last release hands `re.sub` its flags where the count stands, which Python 3.13 warns of.
@pytest.mark.filterwarnings("ignore:'count' is passed as positional argument:DeprecationWarning")
def test_it_is_a_bag(bundle: bytes, tmp_path: Path) -> None:
    for name, data in files_of(bundle).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert bagit.Bag(str(tmp_path)).is_valid()


def test_a_wrong_tile_is_not_believed(tmp_path: Path) -> None:
    layout = make_log(tmp_path / "evidence", 200)
    tile = layout.tiles / "0" / "000"
    tile.unlink()
    tile.write_bytes(bytes(8192))
    found = verify(make_bundle(layout, tmp_path / "x.zip"), layout.vkey.read_text())
    assert found["verdict"] == "sound"


def test_records_that_were_not_signed_make_none(tmp_path: Path) -> None:
    layout = make_log(tmp_path / "evidence", 5)
    other = make_log(tmp_path / "other", 5)
    segment = next(layout.segments.iterdir())
    segment.write_bytes(next(other.segments.iterdir()).read_bytes())
    with pytest.raises(EvidenceError, match="not those that were signed"):
        make_bundle(layout, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_nothing_is_written_over_and_nothing_empty(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"mine")
    with pytest.raises(EvidenceError, match="exists"):
        make_bundle(layout, tmp_path / "x.zip")
    with pytest.raises(EvidenceError, match="in this scope"):
        plan_bundle(Layout(layout.root), Scope(ids=frozenset({"none"}), until_us=1))


def test_growth_since_a_noted_line_is_proved(tmp_path: Path) -> None:
    layout = make_log(tmp_path / "evidence", 10)
    key = load_verifier_key(layout.vkey)
    before = open_checkpoint(layout.checkpoint.read_bytes(), key)
    noted = " ".join(layout.checkpoint.read_text().split("\n")[:3])
    log = open_log(layout.root)
    log.append(crawl(99, tenant=OURS)).result(20)
    log.close()
    bundle = make_bundle(layout, tmp_path / "x.zip", seen=[before.size])  # type: ignore[union-attr]
    assert verify(bundle, str(key), [noted])["exit"] == 0
    origin, size, root = noted.split(" ")
    assert verify(bundle, str(key), [f"{origin} {size} {'A' * 43}="])["exit"] == 1
    assert verify(bundle, str(key), [f"{origin}x {size} {root}"])["exit"] == 1
    assert verify(bundle, str(key), [f"{origin} {int(size) - 1} {root}"])["exit"] == 2
    now = " ".join(layout.checkpoint.read_text().split("\n")[:3])
    assert verify(bundle, str(key), [now])["exit"] == 0


def test_the_verifier_runs_on_a_bare_python(bundle: bytes, vkey: str, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(bundle)
    (tmp_path / "verify.py").write_bytes(files_of(bundle)["verify.py"])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    sound = run(str(tmp_path / "x.zip"), "--vkey", vkey, "--json")
    assert (sound.returncode, json.loads(sound.stdout)["verdict"]) == (0, "sound")
    assert run(str(tmp_path / "x.zip")).returncode == 2
    assert "self-attested" in run(str(tmp_path / "x.zip")).stdout
    assert run(str(tmp_path / "none.zip"), "--vkey", vkey).returncode == 2
    (tmp_path / "x.zip").write_bytes(bundle + b"x")
    assert run(str(tmp_path / "x.zip"), "--vkey", vkey).returncode == 1


def test_timestamps_go_with_it_and_openssl_reads_them_as_its_readme_says(tmp_path: Path) -> None:
    layout = make_log(tmp_path / "evidence", 10)
    authority = Authority(tmp_path / "tsa")
    key = load_verifier_key(layout.vkey)
    note = layout.checkpoint.read_bytes()
    checkpoint = open_checkpoint(note, key)
    assert isinstance(checkpoint, Checkpoint)
    request = request_token(note)
    keep_anchor(layout, checkpoint, "tsa.example", note=note, request=request, response=authority.reply(request))
    (layout.anchors / "roots.pem").write_bytes(authority.roots)
    log = open_log(layout.root)
    log.append(crawl(99, tenant=OURS)).result(20)
    log.close()
    bundle = make_bundle(layout, tmp_path / "x.zip")
    said = verify(bundle, str(key))
    assert said["exit"] == 0, said["why"]
    assert any("1 timestamps are over this history" in line for line in said["proved"])
    files = files_of(bundle)
    for name, data in files.items():
        (tmp_path / "open" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "open" / name).write_bytes(data)
    lines = files["README.txt"].decode().split("   for t in ", 1)[1].split("   done", 1)[0]
    done = subprocess.run(
        ["bash", "-c", f"for t in {lines} done"], cwd=tmp_path / "open", capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "Verification: OK", done
    signer = load_signer(layout.key, layout.vkey)
    place = f"data/timestamps/{checkpoint.size}-tsa.example"
    other = signer.sign(Checkpoint(origin=key.name, size=checkpoint.size, root=bytes(32)))
    for wrong in ({f"{place}/checkpoint": other}, {f"{place}/response.tsr": b"x"}, {"data/consistency.txt": b""}):
        assert verify(repack(with_manifests({**files, **wrong}, signer)), str(key))["exit"] == 1
