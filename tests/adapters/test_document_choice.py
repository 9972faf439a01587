"""Documents come from the files that a policy names, else from the door's own source."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.document_choice import ChosenByPolicy
from optout.adapters.documents import CallableSource, Documents
from optout.adapters.generated import Generated
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import Document, DocumentState, absent, known

POLICY = "version: 1\ndefault: allow\non_error: allow\n"


async def test_each_site_has_the_source_that_its_policy_names(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: *\nDisallow: /files\n")
    texts = {
        "a.yaml": f"{POLICY}sites: [a.example]\n",
        "b.yaml": f"{POLICY}sites: [b.example]\ndocuments: {{from: files, robots: robots.txt}}\n",
        "c.yaml": f"{POLICY}sites: [c.example]\nmode: enforce\ndocuments: {{from: generated}}\n",
        "d.yaml": f"{POLICY}sites: [d.example]\nmode: observe\ndocuments: {{from: generated}}\n",
    }
    registry = bundled_registry()
    policies = policy_set([load_policy(text.encode(), name, registry) for name, text in texts.items()])
    default = CallableSource(lambda authority, path: f"{authority}{path}".encode())
    source = ChosenByPolicy(default, lambda: policies, tmp_path, Generated(registry, observe_only=False))

    robots, tdmrep = await source.fetch("a.example")
    assert (robots.data, tdmrep.data) == (b"a.example/robots.txt", b"a.example/.well-known/tdmrep.json")
    robots, tdmrep = await source.fetch("b.example")
    assert robots.data == b"User-agent: *\nDisallow: /files\n"
    assert tdmrep.state is DocumentState.ABSENT
    robots, tdmrep = await source.fetch("c.example")
    assert robots.data.startswith(b"# Made by Optout")
    assert tdmrep.state is DocumentState.ABSENT
    robots, _ = await source.fetch("d.example")
    assert robots.data == b"d.example/robots.txt"  # who observes changes nothing
    robots, _ = await source.fetch("nobody.example")
    assert robots.data == b"nobody.example/robots.txt"


async def test_a_policy_that_changes_changes_the_source(tmp_path: Path) -> None:
    registry = bundled_registry()
    before = policy_set([load_policy(POLICY.encode(), "a.yaml", registry)])
    text = f"{POLICY}documents: {{from: files, robots: '{tmp_path}/none.txt'}}\n"
    after = policy_set([load_policy(text.encode(), "a.yaml", registry)])
    current = [before]
    generated = Generated(registry, observe_only=False)
    source = ChosenByPolicy(CallableSource(lambda _authority, _path: b"x"), lambda: current[0], tmp_path, generated)
    assert (await source.fetch("a.example"))[0].state is DocumentState.KNOWN
    current[0] = after
    assert (await source.fetch("a.example"))[0].state is DocumentState.UNKNOWN


class _Licensing:
    """A source that has license documents."""

    async def fetch(self, authority: str) -> Documents:
        return absent("robots.txt"), absent("tdmrep.json")

    async def fetch_license(self, authority: str, path: str) -> Document:
        return known(f"RSL {path}", authority.encode())


async def test_license_documents_come_from_the_door_s_own_source_if_it_has_any(tmp_path: Path) -> None:
    registry = bundled_registry()
    text = f"{POLICY}sites: [b.example]\ndocuments: {{from: files, robots: robots.txt}}\n"
    policies = policy_set([load_policy(text.encode(), "b.yaml", registry)])
    source = ChosenByPolicy(_Licensing(), lambda: policies, tmp_path, Generated(registry, observe_only=False))
    assert (await source.fetch_license("a.example", "/l.xml")).data == b"a.example"
    assert (await source.fetch_license("b.example", "/l.xml")).state is DocumentState.UNKNOWN
    generated = Generated(registry, observe_only=False)
    plain = ChosenByPolicy(CallableSource(lambda _authority, _path: b"x"), lambda: policies, tmp_path, generated)
    assert (await plain.fetch_license("a.example", "/l.xml")).state is DocumentState.UNKNOWN
