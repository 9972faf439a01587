"""The house keeps its shape: floors, twins, names, light doors, rooms that import alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
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


# Other people's modules are loaded once, ours by each child from nothing: a third of a second less for each room.
_ALONE = """
import importlib, os, sys, traceback
theirs, ours = (names.split() for names in sys.stdin.read().split(";"))
for name in theirs:
    importlib.import_module(name)
assert not [name for name in sys.modules if name.split(".")[0] == "optout"]
for name in ours:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""


def _imported(path: Path) -> set[str]:
    """What a room imports of other people's, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.split(".")[0] != "optout" and find_spec(name.split(".")[0])}


def test_every_module_imports_alone() -> None:
    theirs = set().union(*map(_imported, MODULES))
    ours = [_name(path) for path in MODULES if path.name != "__main__.py"]
    names = f"{' '.join(sorted(theirs))};{' '.join(ours)}"
    done = subprocess.run([sys.executable, "-c", _ALONE], input=names, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


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
