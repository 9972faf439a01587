"""`optout review DIR`: one page printed, an export that verifies, and calls that cannot be meant."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.evidence.options import actor
from optout.cli.main import main
from optout.cli.review_pages import _export, _review
from optout.errors import EvidenceError, OptoutError, UsageError
from optout.evidence.bundle.verify import verify
from tests.cli.evidence.setting import run
from tests.review.setting import log_of_visits


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return log_of_visits(tmp_path / "evidence")


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["review", *map(str, words)])


def test_one_page_is_printed_without_a_server(home: Path) -> None:
    done = _run(home, "--get", "/records.json?crawler=CCBot")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["id"] for row in told["rows"]] == ["r4"]
    assert "Who came for your work" in _run(home, "--get", "/").stdout
    assert "Who came for your work" in _run(home, "--proxy", "192.0.2.1", "--get", "/").stdout
    missing = _run(home, "--get", "/records/none")
    assert missing.exit_code == 1


def test_an_export_is_checked_before_it_is_handed_over(home: Path) -> None:
    told, data = _export(home, {"crawler": "GPTBot"}, "owner")
    assert (told["visits"], data) == (4, None)
    told, data = _export(home, {"crawler": "GPTBot", "do": "1"}, "owner")
    assert data is not None
    assert verify(data, (home / "vkey").read_text().strip())["verdict"] == "sound"
    assert "custody.notice" in run("list", home, "--json").stdout


def test_reading_a_private_part_goes_on_record(home: Path) -> None:
    review = _review(home, "", None)
    assert review.reveal is not None
    reveal = review.reveal

    async def read() -> dict[str, object] | None:
        from optout.review.pages.record import find

        found = await review.reader.ask(lambda reader: find(reader, "r1", ""))
        assert found is not None
        return await review.reader.ask(lambda _: reveal(found[0], found[1], actor("owner"), "why"))

    asyncio.run(read())
    review.reader.close()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--listen", "nowhere"), UsageError),
        (("--listen", "127.0.0.1:99999"), UsageError),
        (("--listen", "192.0.2.1:0"), UsageError),
        (("--listen", "0.0.0.0:0"), UsageError),
        (("--get", "records"), UsageError),
        (("--works", "none.csv", "--get", "/"), UsageError),
        (("--policy", "none.yaml", "--get", "/"), OptoutError),
        (("--tls-cert", "x"), UsageError),
    ],
)
def test_a_call_that_cannot_be_meant_says_what_to_try(
    home: Path, words: tuple[str, ...], fault: type[OptoutError]
) -> None:
    assert isinstance(_run(home, *words).exception, fault)


def test_where_there_is_no_log_it_says_so(tmp_path: Path) -> None:
    assert isinstance(_run(tmp_path, "--get", "/").exception, EvidenceError)


def test_a_sitemap_is_a_list_of_works(home: Path, tmp_path: Path) -> None:
    sitemap = tmp_path / "sitemap.xml"
    entry = "<url><loc>https://a.example/art/1.jpg</loc></url><url><loc>https://a.example/none</loc></url>"
    sitemap.write_text(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entry}</urlset>')
    told = json.loads(_run(home, "--works", sitemap, "--get", "/works.json").stdout)
    assert [(row["path"], row["count"]) for row in told["rows"]] == [("/art/1.jpg", 2), ("/art/1.jpg", 1), ("/none", 0)]
