"""What a fleet of policies costs: to load, to hold, to look after, and to change one.

    python benchmarks/policies.py [--json] [--policies 1000 10000 40000]

Files have 11 to 40 lines. Those of a `template` differ in names, contact and in which of six clauses they hold, as a
host's control panel writes them; those of `own words` have clauses that no other file has. Each figure is taken in a
process of its own: `peak MB` is the most that it ever held, all of Python and Optout included. Beside it stands what
PyYAML's libyaml loader alone takes to read the same files into dicts, unchecked, in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

SIZES = (1_000, 10_000, 40_000)
KINDS = ("template", "own words")
CLAUSES = (
    "  - id: press\n    action: allow\n    purpose: train\n    path: /press{own}/\n",
    "  - id: gallery\n    action: require-license\n    purpose: [train, dataset, undocumented]\n"
    '    path: [/gallery{own}/, "*.jpg$"]\n    reason: The photographs{own} are licensed for training one by one.\n',
    "  - id: no-bytespider\n    action: deny\n    crawler: Bytespider\n    path: /{own}\n",
    "  - id: members\n    mode: observe\n    action: deny\n    purpose: user-fetch\n    path: /members{own}/\n",
    "  - id: no-training\n    action: deny\n    purpose: [train, dataset]\n    path: /{own}\n",
    "  - id: openai\n    action: published\n    operator: OpenAI\n    path: /{own}\n",
)


def text(number: int, kind: str) -> str:
    """One file of a fleet; the same one in every run."""
    chosen = random.Random(number)
    site = f"site-{number:05}.example"
    clauses = "".join(CLAUSES[place] for place in sorted(chosen.sample(range(6), chosen.randint(1, 5))))
    return (
        f"# Site {number}, written by the control panel\nversion: 1\nsites: [{site}, '*.{site}']\n"
        f"mode: {chosen.choice(['observe', 'enforce'])}\n\ndefault: {chosen.choice(['allow', 'deny'])}\n"
        f"on_error: refuse\non_disallow: deny\n\ncontact: owner@{site}\nterms: /terms\ntenant: tenant-{number}\n\n"
        f"clauses:\n{clauses.replace('{own}', '' if kind == 'template' else f'-{number}')}"
    )


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def with_optout(place: Path) -> dict[str, float]:
    from optout.adapters.policy_watch import PolicyWatch
    from optout.crawlers.registry import bundled_registry
    from optout.engine import Engine

    registry = bundled_registry()
    opened: list[PolicyWatch] = []
    load = timed(lambda: opened.append(PolicyWatch(place, registry)))
    (watch,) = opened
    engine = Engine(watch.current, registry)
    loaded_mb = peak_mb()
    watch.take_files()
    looks = 25
    look = min(timed(watch.poll) for _ in range(looks))
    tour = sum(timed(watch.poll) for _ in range(looks)) / looks
    change = min(_one_change(watch, place, number) for number in range(5))
    reload = timed(lambda: engine.under(watch.current))
    return {
        "load_s": load,
        "peak_mb": loaded_mb,
        "look_ms": min(look, tour) * 1000,
        "change_ms": change * 1000,
        "reload_ms": reload * 1000,
        "peak_after_changes_mb": peak_mb(),
    }


def _one_change(watch, place: Path, number: int) -> float:  # type: ignore[no-untyped-def]
    """Seconds from a file that was put in the place of another until the new policy can be used."""
    file = place / f"{number:05}.yaml"
    new = place / "new"
    new.write_text(file.read_text() + "# changed\n")
    new.rename(file)
    found: list[object] = []
    took = timed(lambda: found.append(watch.poll()))
    assert found != [None], "the change was not seen"
    return took


def with_pyyaml(place: Path) -> dict[str, float]:
    import yaml

    def read() -> list[object]:
        return [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in sorted(place.glob("*.yaml"))]

    return {"load_s": timed(read), "peak_mb": peak_mb()}


def measured(side: str, place: Path) -> dict[str, float]:
    """A side's figures, from a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--place", str(place)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def row(kind: str, size: int) -> dict[str, object]:
    with TemporaryDirectory() as name:
        place = Path(name)
        for number in range(size):
            (place / f"{number:05}.yaml").write_text(text(number, kind))
        theirs, ours = measured("pyyaml", place), measured("optout", place)
    return {
        "files": kind,
        "policies": size,
        "load s": round(ours["load_s"], 2),
        "us each": round(ours["load_s"] / size * 1e6),
        "PyYAML s": round(theirs["load_s"], 2),
        "PyYAML/optout": round(theirs["load_s"] / ours["load_s"], 2),
        "peak MB": ours["peak_mb"],
        "PyYAML MB": theirs["peak_mb"],
        "look ms": round(ours["look_ms"], 1),
        "one change ms": round(ours["change_ms"], 1),
        "load/change": round(ours["load_s"] * 1000 / ours["change_ms"]),
        "engine ms": round(ours["reload_ms"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--policies", type=int, nargs="+", default=SIZES)
    parser.add_argument("--side", choices=["optout", "pyyaml"], help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps({"optout": with_optout, "pyyaml": with_pyyaml}[options.side](options.place)))
        return
    rows = [row(kind, size) for kind in KINDS for size in options.policies]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print("  ".join(f"{name:>13}" for name in rows[0]))
    for each in rows:
        print("  ".join(f"{value!s:>13}" for value in each.values()))


if __name__ == "__main__":
    main()
