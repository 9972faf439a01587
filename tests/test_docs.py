"""The documentation tells the truth: links lead somewhere, commands and options exist, examples load and run."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from optout.cli.main import main
from optout.crawlers.model import Purpose
from optout.crawlers.registry import bundled_registry
from optout.decision import ReasonCode
from optout.evidence.receipt import Loss
from optout.identity import Method, Standing
from optout.policy.loader import load_policy
from optout.policy.model import Action, ClauseAction, Mode, OnError, OnReservation
from optout.signals.ai_txt import AiTxtFaultCode
from optout.signals.aipref import AiprefFaultCode
from optout.signals.content_signals import SignalFaultCode
from optout.signals.page_tags import MEANINGS, PageFaultCode
from optout.signals.preference import Usage
from optout.signals.rsl_discovery import LinkFaultCode
from optout.signals.rsl_model import RslFaultCode
from optout.signals.tdmrep import TdmFaultCode

ROOT = Path(__file__).parent.parent
_PLACES = ("*.md", "docs/**/*.md", "deploy/*.md", "policies/*.md", "addons/*.md", "benchmarks/*.md")
PAGES = sorted(page for place in _PLACES for page in ROOT.glob(place))
ALL_TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Block(NamedTuple):
    """A fenced block of a page: its language and its lines, at `line` of `page`."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{_name(self.page)}:{self.line}"


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        language, start, kept = None, 0, []
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            fence = re.match(r" *```(\S*)", line)
            if fence is None:
                kept.append(line)
            elif language is None:
                language, start, kept = fence.group(1), number, []
            else:
                yield Block(page, start, language, "\n".join(kept) + "\n")
                language = None


BLOCKS = list(_blocks())


# Links


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the sites that show Markdown make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {_name(page).removeprefix("docs/") for page in PAGES if _name(page).startswith("docs/")}
    listed = set(re.findall(r"\]\(([^)#]+)", index)) | {"README.md"}
    # The pages of single lint rules are listed in their own index, which is made from the rules.
    missing = {
        page
        for page in pages - listed
        if not page.startswith(("design/", "lint/RT", "lint/TD", "lint/RL", "lint/HD", "lint/AU", "lint/PB"))
    }
    assert missing == set()


_OWN_PATH = re.compile(r"(?<![\w/.~-])(?:addons|benchmarks|deploy|docs|policies|src|tests)/[\w./-]*\w")


def test_every_file_of_the_checkout_that_a_page_names_is_there() -> None:
    named = {(_name(page), path) for page in PAGES for path in _OWN_PATH.findall(page.read_text(encoding="utf-8"))}
    missing = {(page, path) for page, path in named if not (ROOT / path).exists()}
    assert missing - {("deploy/README.md", "deploy/policy")} == set()  # that folder is the owner's


# Commands


def _command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `optout ...` of the pages, as words: from code spans, fenced blocks and indented blocks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for number, line in enumerate(text.splitlines(), 1):
            spans = re.findall(r"`([^`]+)`", line)
            for span in spans or [line]:
                found = re.match(r"[\s$#]*(?:sudo |[A-Z_]+=\S+ |docker compose .*exec \S+ )*optout +([a-z].*)", span)
                if found is not None and (spans or line.startswith(("    ", "optout", "$", "sudo", "docker"))):
                    yield f"{_name(page)}:{number}", _words(found.group(1))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(re.split(r"[|<>]", text)[0], comments=True)
    except ValueError:
        return text.split()


def _resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` call, and the words that are left for it."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        inner = command.get_command(click.Context(command), words[0])
        if inner is None:
            raise LookupError(words[0])
        command, words = inner, words[1:]
    return command, words


def test_every_command_and_option_that_a_page_names_exists() -> None:
    lines = list(_command_lines())
    assert len(lines) > 30
    wrong = []
    for place, words in lines:
        try:
            command, rest = _resolve(words)
        except LookupError as missing:
            wrong.append(f"{place}: no command {missing}")
            continue
        known = {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}
        used = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
        wrong += [f"{place}: no option {flag}" for flag in sorted(used - known - {"--help", "-h", "--version"})]
    assert wrong == []


def test_the_page_of_commands_is_what_the_program_says() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate_commands_page.py"))["page"]
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"\bOPTOUT_[A-Z]+\b", ALL_TEXT))))
def test_every_variable_that_a_page_names_is_read_by_somebody(variable: str) -> None:
    readers = [*ROOT.glob("src/**/*.py"), *ROOT.glob("deploy/**/*.service"), ROOT / "deploy" / "compose.yaml"]
    assert any(variable in path.read_text(encoding="utf-8") for path in readers)


# Words that are public


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docs/glossary.md", Purpose),
        ("docs/glossary.md", Standing),
        ("docs/glossary.md", Method),
        ("docs/glossary.md", Mode),
        ("docs/policy.md", Action),
        ("docs/policy.md", ClauseAction),
        ("docs/policy.md", OnError),
        ("docs/policy.md", OnReservation),
        ("docs/evidence.md", Loss),
        ("docs/signals.md", Usage),
    ],
)
def test_a_page_explains_every_public_word(name: str, words: type[Purpose]) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    missing = {word.value for word in words if f"`{word.value}`" not in page}
    assert missing <= {Action.THROTTLE}  # reserved: no policy can say it yet


def _codes(name: str) -> list[str]:
    """The codes in the first column of the last table of a page."""
    page = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"^\| `([a-z0-9-]+)` \|", page.rpartition("| code |")[2], re.MULTILINE)


def test_every_reason_code_has_its_row() -> None:
    assert _codes("docs/how-it-decides.md") == list(ReasonCode)


def test_every_fault_of_tdmrep_has_its_row() -> None:
    assert _codes("docs/tdmrep.md") == list(TdmFaultCode)


def _sections(name: str) -> dict[str, str]:
    page = (ROOT / name).read_text(encoding="utf-8")
    return {heading.strip(): text for heading, _, text in (part.partition("\n") for part in page.split("\n## ")[1:])}


def test_every_fault_of_a_signal_has_its_row() -> None:
    documented = {
        heading: re.findall(r"^\| `([a-z0-9-]+)` \|", text.rpartition("| code |")[2], re.MULTILINE)
        for heading, text in _sections("docs/signals.md").items()
    }
    assert documented == {
        "AIPREF: Content-Usage": list(AiprefFaultCode),
        "Content Signals": list(SignalFaultCode),
        "RSL: license documents": [*RslFaultCode, *LinkFaultCode],
        "X-Robots-Tag and meta elements": list(PageFaultCode),
        "ai.txt": list(AiTxtFaultCode),
    }


def test_every_directive_of_a_page_is_explained() -> None:
    section = _sections("docs/signals.md")["X-Robots-Tag and meta elements"]
    assert [directive for directive in MEANINGS if f"`{directive}`" not in section.partition("Not read")[0]] == []


def test_every_fault_of_robots_txt_has_its_row() -> None:
    tree = ast.parse((ROOT / "src" / "optout" / "robots" / "parser.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    reported = {ast.literal_eval(call.args[1]) for call in calls if call.func.attr == "fault"}
    assert reported == set(_codes("docs/robots.md"))


# Examples


def _examples(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


@pytest.mark.parametrize("block", _examples("yaml"), ids=str)
def test_every_yaml_example_is_yaml_and_every_policy_loads(block: Block) -> None:
    document = yaml.safe_load(block.text)
    if isinstance(document, dict) and document.get("version") == 1:
        assert load_policy(block.text.encode(), "example.yaml", bundled_registry()).sites


@pytest.mark.parametrize("block", _examples("python"), ids=str)
def test_every_python_example_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


async def test_the_readme_s_application_refuses_a_training_crawler_and_serves_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = (block for block in _examples("python") if block.page == ROOT / "README.md")
    started: list[web.Application] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(web, "run_app", lambda app, **_: started.append(app))
    exec(compile(example.text, str(example), "exec"), {})
    async with TestClient(TestServer(started[0])) as client:
        crawler = await client.get("/", headers={"User-Agent": "Mozilla/5.0 (compatible; GPTBot/1.4)"})
        person = await client.get("/", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    assert (crawler.status, person.status) == (403, 200)
