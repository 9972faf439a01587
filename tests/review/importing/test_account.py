"""What the account says of itself."""

from __future__ import annotations

from optout.review.importing.account import Account, Robots, Taken

GPTBOT = Taken(name="GPTBot", operator="OpenAI", purpose="train", is_ai=True, requests=3)
GOOGLE = Taken(name="Googlebot", operator="Google", purpose="search", is_ai=False, requests=9)


def account(**more: object) -> Account:
    given: dict[str, object] = {
        "files": (),
        "robots": (),
        "lines": 20,
        "people": 8,
        "without_agent": 0,
        "elsewhere": 0,
        "bad_lines": 0,
        "bad": (),
        "taken": (GPTBOT, GOOGLE),
        "first_us": 1_795_000_000_000_000,
        "last_us": 1_795_000_001_000_000,
        "are_paths_whole": True,
        "made_us": 1_795_000_002_000_000,
        "software": "optout 1",
        **more,
    }
    return Account(**given)  # type: ignore[arg-type]


def test_only_ai_crawlers_are_its_crawlers() -> None:
    assert account().crawlers == (GPTBOT,)


def test_it_is_judged_only_by_a_robots_txt() -> None:
    assert not account().is_judged
    assert account(robots=(Robots(name="r", since_us=0, sha256="a"),)).is_judged


def test_served_are_answers_with_content() -> None:
    taken = Taken(name="a", operator="b", purpose="train", is_ai=True)
    taken.statuses.update({"2xx": 2, "3xx": 5})
    assert taken.served == 2
