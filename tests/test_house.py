"""The house keeps its shape: floors, twins, names, light doors, rooms that import alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "optout"
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
BIN = Path(sys.executable).parent


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _python(*code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, check=False)


def test_imports_run_downhill() -> None:
    done = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_imports_alone() -> None:
    names = [_name(path) for path in MODULES if path.name != "__main__.py"]
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda name: (name, _python("-c", f"import {name}")), names)
    assert [(name, done.stderr) for name, done in results if done.returncode] == []


def test_the_aiohttp_door_is_light() -> None:
    code = "import sys, optout.adapters.aiohttp; print(*sorted(sys.modules))"
    loaded = set(_python("-c", code).stdout.split())
    assert "optout.adapters.aiohttp" in loaded
    assert loaded.isdisjoint({"click", "rich", "mitmproxy", "jinja2", "optout.cli"})


def test_help_loads_no_room_of_the_house() -> None:
    code = "import sys; sys.argv = ['optout', '--help']\nimport optout.cli.main as m\nm.main(standalone_mode=False)"
    done = _python("-c", code + "\nprint(*sorted(sys.modules), file=sys.stderr)")
    loaded = {name for name in done.stderr.split() if name.startswith("optout")}
    assert loaded == {"optout", "optout.cli", "optout.cli.main", "optout.errors"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_room_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_utils"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_large_room_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert docstring
    assert len(text.splitlines()) <= 300 or "lines" in docstring


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_room_has_a_twin(path: Path) -> None:
    inside = path.relative_to(SOURCE)
    has_code = len(ast.parse(path.read_bytes()).body) > 1
    if path.name == "__main__.py" or inside.parts[:2] == ("cli", "demo") or not has_code:
        return  # the demo is its own test, and tests/cli/test_demo_cli.py runs it
    if inside.parts == ("__init__.py",):
        return  # names of `optout.adapters.stats`, tried there
    folder = ROOT / "tests" / inside.parent
    stem = inside.parent.name if path.name == "__init__.py" else inside.stem
    suffix = "_cli" if inside.parts[0] == "cli" else ""
    assert (folder / f"test_{stem}{suffix}.py").exists() or (folder / f"test_{stem}.py").exists()


FLOORS = {"aiohttp": (3, 14, 3), "protego": (0, 6, 2)}  # peers.md part 7: below these, known vulnerabilities


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_the_libraries_are_not_older_than_their_advisories(name: str) -> None:
    installed = tuple(int(part) for part in version(name).split(".")[:3])
    assert installed >= FLOORS[name]


def test_the_tree_names_no_machine() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in done.stdout.splitlines():
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_bytes()
        for word in (b"/root/", b"/work/", b"pypi.org", b"files.pythonhosted"):
            assert word not in text, f"{name} contains {word.decode()}"
