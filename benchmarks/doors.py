"""Every door beside its bare counterpart: requests a second, added latency, processor time and memory, as ratios.

    python benchmarks/doors.py [--seconds 3] [--rounds 5] [--only TEXT] [--json] [--write docs]

Needs wrk; what is not installed is left out and named. All programs run at once and are loaded in turn, round after
round, so that a noisy machine disturbs both sides of a ratio alike. Each ratio is the median of its rounds. Load: 32
connections, pages of 10 KB, one person's or one crawler's user agent. Evidence is on. One crawler that comes more than
60,000 times a minute falls under the flood rule: from then on its refusals are counted instead of recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import door_picture
import door_subjects as subjects
import front_subjects as fronts
from door_subjects import CHROME, GPTBOT, Running

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One door, the same without it, who asks, and what the ratio of requests a second is to be at least."""

    door: str
    beside: str
    agent: str
    bar: float | None = None


@dataclass(slots=True)
class Figures:
    """What one program did under one agent, a value for each round."""

    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    memory_mb: float = 0.0


STARTS: dict[str, tuple[subjects.Start, str]] = {
    "nginx proxy": (subjects.nginx_proxy, subjects.NGINX),
    "nginx, map by hand": (subjects.nginx_by_hand, subjects.NGINX),
    "nginx compiled": (fronts.nginx_compiled, subjects.NGINX),
    "nginx compiled, 10,000 rules": (fronts.nginx_with_many_rules, subjects.NGINX),
    "nginx routed": (fronts.nginx_routed, subjects.NGINX),
    "haproxy, rule by hand": (fronts.haproxy(is_compiled=False), fronts.HAPROXY),
    "haproxy compiled": (fronts.haproxy(is_compiled=True), fronts.HAPROXY),
    "caddy on one core": (subjects.caddy, "caddy"),
    "caddy compiled": (fronts.caddy_compiled, "caddy"),
    "apache, rule by hand": (fronts.apache(is_compiled=False), fronts.APACHE),
    "apache compiled": (fronts.apache(is_compiled=True), fronts.APACHE),
    "aiohttp application": (subjects.program("app"), ""),
    "aiohttp middleware": (subjects.program("door", has_door=True), ""),
    "aiohttp handler that refuses": (subjects.program("refusing"), ""),
    "asgi application": (subjects.program("asgi"), ""),
    "asgi middleware": (subjects.program("asgi-door", has_door=True), ""),
    "asgi application that refuses": (subjects.program("asgi-refusing"), ""),
    "wsgi application": (subjects.gunicorn("wsgi"), "gunicorn"),
    "wsgi middleware": (subjects.gunicorn("wsgi-door"), "gunicorn"),
    "wsgi application that refuses": (subjects.gunicorn("wsgi-refusing"), "gunicorn"),
    "gateway": (subjects.serve("aiohttp", name="gateway"), ""),
    "mitmproxy, empty addon": (subjects.mitmproxy("mitmproxy-empty"), ""),
    "mitmproxy, addon that refuses": (subjects.mitmproxy("mitmproxy-refusing", REFUSE="1"), ""),
    "mitmproxy addon": (subjects.mitmproxy_addon, ""),
    "forward-auth": (subjects.forward_auth, ""),
}
PAIRS = (
    Pair(door="nginx routed", beside="nginx proxy", agent=CHROME, bar=0.97),
    Pair(door="nginx routed", beside="nginx, map by hand", agent=GPTBOT),
    Pair(door="nginx compiled", beside="nginx proxy", agent=CHROME, bar=0.97),
    Pair(door="nginx compiled", beside="nginx, map by hand", agent=GPTBOT, bar=0.90),
    Pair(door="nginx compiled, 10,000 rules", beside="nginx proxy", agent=CHROME, bar=0.97),
    Pair(door="nginx compiled, 10,000 rules", beside="nginx, map by hand", agent=GPTBOT, bar=0.90),
    Pair(door="haproxy compiled", beside="haproxy, rule by hand", agent=CHROME),
    Pair(door="haproxy compiled", beside="haproxy, rule by hand", agent=GPTBOT),
    Pair(door="caddy compiled", beside="caddy on one core", agent=CHROME),
    Pair(door="caddy compiled", beside="caddy on one core", agent=GPTBOT),
    Pair(door="apache compiled", beside="apache, rule by hand", agent=CHROME),
    Pair(door="apache compiled", beside="apache, rule by hand", agent=GPTBOT),
    Pair(door="aiohttp middleware", beside="aiohttp application", agent=CHROME, bar=0.95),
    Pair(door="aiohttp middleware", beside="aiohttp handler that refuses", agent=GPTBOT, bar=0.60),
    Pair(door="asgi middleware", beside="asgi application", agent=CHROME),
    Pair(door="asgi middleware", beside="asgi application that refuses", agent=GPTBOT),
    Pair(door="wsgi middleware", beside="wsgi application", agent=CHROME),
    Pair(door="wsgi middleware", beside="wsgi application that refuses", agent=GPTBOT),
    Pair(door="gateway", beside="caddy on one core", agent=CHROME, bar=1.0),
    Pair(door="gateway", beside="caddy on one core", agent=GPTBOT, bar=0.6),
    Pair(door="mitmproxy addon", beside="mitmproxy, empty addon", agent=CHROME, bar=0.95),
    Pair(door="mitmproxy addon", beside="mitmproxy, addon that refuses", agent=GPTBOT, bar=0.90),
    Pair(door="forward-auth", beside="aiohttp application", agent=CHROME),
    Pair(door="forward-auth", beside="aiohttp handler that refuses", agent=GPTBOT),
)


def load(running: Running, agent: str, seconds: int, into: Figures) -> None:
    """Load one program for a while."""
    command = [
        "wrk",
        "-t1",
        "-c32",
        f"-d{seconds}s",
        "--latency",
        "-H",
        f"User-Agent: {agent}",
        "-H",
        f"Host: {fronts.SITE}",
    ]
    for name, value in running.fields.items():
        command += ["-H", f"{name}: {value}"]
    processes = [running.process.pid, *(each.pid for each in running.others)]
    before = sum(map(_processor_s, processes))
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{running.port}/page.html"], capture_output=True, text=True, check=True
    )
    if ("Non-2xx" in done.stdout) != (agent == GPTBOT):
        raise SystemExit(f"{running.process.args} serves a crawler or refuses a person:\n{done.stdout}")
    requests = int(_found(r"(\d+) requests in", done.stdout))
    into.cpu_us.append((sum(map(_processor_s, processes)) - before) / max(1, requests) * 1e6)
    into.rate.append(float(_found(r"Requests/sec:\s+([\d.]+)", done.stdout)))
    into.p50.append(_latency_ms("50%", done.stdout))
    into.p99.append(_latency_ms("99%", done.stdout))
    into.memory_mb = max(into.memory_mb, sum(map(_memory_mb, processes)))


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said something else than expected:\n{text}")
    return found.group(1)


def _latency_ms(share: str, text: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", text)
    return float(found.group(1)) * _UNITS[found.group(2)] if found else 0.0


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _processor_s(pid: int) -> float:
    ticks = 0
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _memory_mb(pid: int) -> float:
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in _family(pid))
    return pages * _PAGE / 1e6


def measure(pairs: list[Pair], seconds: int, rounds: int) -> dict[tuple[str, str], Figures]:
    """Figures by program and agent."""
    wanted = list(dict.fromkeys((name, pair.agent) for pair in pairs for name in (pair.beside, pair.door)))
    figures = {key: Figures() for key in wanted}
    with tempfile.TemporaryDirectory(prefix="optout-doors-") as place:
        Path(place).chmod(0o755)
        with subjects.ground(Path(place)) as ground:
            running = {name: STARTS[name][0](ground) for name in dict.fromkeys(name for name, _ in wanted)}
            for name, agent in wanted:
                load(running[name], agent, 1, Figures())  # documents are read, and indexes made
            for _ in range(rounds):
                for name, agent in wanted:
                    load(running[name], agent, seconds, figures[name, agent])
    return figures


def row_of(pair: Pair, figures: dict[tuple[str, str], Figures]) -> dict[str, object]:
    """One line of the table."""
    door, beside = figures[pair.door, pair.agent], figures[pair.beside, pair.agent]
    ratios = sorted(one / other for one, other in zip(door.rate, beside.rate, strict=True))
    median = statistics.median
    return {
        "door": pair.door,
        "beside": pair.beside,
        "visitor": "person" if pair.agent == CHROME else "crawler",
        "requests_s": round(median(door.rate)),
        "beside_s": round(median(beside.rate)),
        "ratio": round(median(ratios), 2),
        "from": round(ratios[0], 2),
        "to": round(ratios[-1], 2),
        "bar": pair.bar,
        "added_p50_ms": round(median(door.p50) - median(beside.p50), 2),
        "added_p99_ms": round(median(door.p99) - median(beside.p99), 2),
        "cpu_us": round(median(door.cpu_us), 1),
        "beside_cpu_us": round(median(beside.cpu_us), 1),
        "memory_mb": round(door.memory_mb),
    }


COLUMNS = {
    "door": "door",
    "beside": "beside",
    "visitor": "visitor",
    "requests_s": "requests/s",
    "ratio": "ratio",
    "range": "range",
    "bar": "goal",
    "added_p50_ms": "p50 + ms",
    "added_p99_ms": "p99 + ms",
    "cpu_us": "cpu us",
    "beside_cpu_us": "beside",
    "memory_mb": "MB",
}


def cells(row: dict[str, object]) -> list[str]:
    """A row's columns as text."""
    shown = {**row, "range": f"{row['from']}-{row['to']}", "bar": row["bar"] or ""}
    return [str(shown[key]) for key in COLUMNS]


def printed(rows: list[dict[str, object]]) -> str:
    """The table for a terminal."""
    lines = [list(COLUMNS.values()), *map(cells, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines)


_BEGIN, _END = "<!-- made by benchmarks/doors.py: begin -->", "<!-- made by benchmarks/doors.py: end -->"


def write(docs: Path, rows: list[dict[str, object]]) -> None:
    """Put the table into docs/performance.md, and the picture beside the others."""
    lines = [list(COLUMNS.values()), ["---"] * len(COLUMNS), *map(cells, rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    page = docs / "performance.md"
    before, _, rest = page.read_text().partition(_BEGIN)
    page.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}")
    (docs / "pictures" / "doors.svg").write_text(door_picture.draw(rows))


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="pairs whose door has this in its name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, metavar="DOCS", help="the directory of performance.md")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; on Debian: apt-get install wrk")
    missing = {name for name, (_, needed) in STARTS.items() if needed and not subjects.is_installed(needed)}
    pairs = [pair for pair in PAIRS if options.only in pair.door and not {pair.door, pair.beside} & missing]
    figures = measure(pairs, options.seconds, options.rounds)
    rows = [row_of(pair, figures) for pair in pairs]
    for name in sorted(missing):
        print(f"left out, not installed: {name}")
    print(json.dumps(rows, indent=1) if options.json else printed(rows))
    if options.write is not None:
        write(options.write, rows)


if __name__ == "__main__":
    main()
