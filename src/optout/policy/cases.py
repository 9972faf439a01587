"""An owner's own tests of a policy: requests and what is expected of them (`optout policy test`).

site: example.org
robots: |
  User-agent: *
  Disallow: /drafts/
cases:
  - path: /gallery/1.jpg
    user_agent: GPTBot/1.2
    expect: {action: deny, clause: no-training, status: 403}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from optout.errors import PolicyError
from optout.policy.model import Place
from optout.policy.problems import Findings, Forms
from optout.policy.schema import Form
from optout.policy.values import WrongValueError
from optout.policy.yaml_positions import parse_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case expects; None where it does not care.

    `action` and `clause` are those of the decision, `status` is what the visitor gets, 200 standing for whatever the
    origin answers. They differ where a policy only observes.
    """

    action: str | None = None
    clause: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCase:
    """One request, what the site publishes at that time (None: no such document), and what is expected."""

    place: Place
    url: str
    user_agent: str
    method: str
    headers: tuple[tuple[str, str], ...]
    robots: str | None
    tdmrep: str | None
    expect: Expectation


class _ExpectForm(Form):
    action: Literal["allow", "deny", "require-license"] | None = None
    clause: str | None = None
    status: int | None = Field(default=None, ge=100, le=599)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.action is None and self.clause is None and self.status is None:
            raise WrongValueError("nothing is expected", "add `action:`, `clause:` or `status:`")
        return self


class _CaseForm(Form):
    url: str = ""
    site: str = ""
    path: str = ""
    user_agent: str
    method: str = "GET"
    headers: dict[str, str] = Field(default={})
    robots: str | None = None
    tdmrep: str | None = None
    expect: _ExpectForm

    @model_validator(mode="after")
    def _where(self) -> Self:
        if bool(self.url) == bool(self.path):
            raise WrongValueError("a case needs a `url:`, or a `path:` on the site", "give one of the two")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise WrongValueError("`url` is not absolute", "begin with https://, or give `path:`")
        if self.path and not self.path.startswith("/"):
            raise WrongValueError("`path` does not begin with /", "write /gallery/1.jpg")
        return self


class _CasesForm(Form):
    site: str = "site.example"
    robots: str | None = None
    tdmrep: str | None = None
    cases: tuple[_CaseForm, ...]


_FORMS: Forms = {(): _CasesForm, ("cases",): _CaseForm, ("cases", "expect"): _ExpectForm}


def load_cases(data: bytes, file: str) -> tuple[PolicyCase, ...]:
    """The cases in a file. Raises `PolicyError` with every problem found, and only that."""
    document = parse_yaml(data, file)
    findings = Findings(document, file, _FORMS)
    form = None
    if document.complete:
        try:
            form = _CasesForm.model_validate(document.data)
        except ValidationError as error:
            findings.add_validation(error)
    if form is not None and not form.cases:
        findings.add(("cases",), "there is no case", "begin each case with `- `")
    if form is None or findings.total:
        raise PolicyError(findings.problems())
    return tuple(_case(form, each, findings.place(("cases", at))) for at, each in enumerate(form.cases))


def _case(form: _CasesForm, case: _CaseForm, place: Place) -> PolicyCase:
    expect = case.expect
    return PolicyCase(
        place=place,
        url=case.url or f"https://{case.site or form.site}{case.path}",
        user_agent=case.user_agent,
        method=case.method,
        headers=tuple(case.headers.items()),
        robots=case.robots if case.robots is not None else form.robots,
        tdmrep=case.tdmrep if case.tdmrep is not None else form.tdmrep,
        expect=Expectation(action=expect.action, clause=expect.clause, status=expect.status),
    )
