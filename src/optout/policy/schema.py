"""The policy file as its owner writes it: keys, what they may hold, and what they mean (design part 5.10).

Published as JSON Schema (docs/policy.schema.json, `optout policy schema`), so that an editor can complete keys and
show the descriptions. A single value is checked in `values`, names in `vocabulary`; what only shows when values are
seen together is `checks`. The compiled form is `model`.

Somewhat over 300 lines: the whole file that an owner may write, on one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from optout.crawlers.model import Purpose
from optout.identity import Standing
from optout.policy import values
from optout.policy.lists import NoneOrMore, OneOrMore
from optout.policy.model import ClauseAction, DocumentsFrom, Mode, OnError, OnReservation
from optout.policy.values import WrongValueError
from optout.policy.vocabulary import Vocabulary

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _version(value: object) -> object:
    if value is None:
        return value
    if value != "1":
        raise WrongValueError(f"version {values.shown(value)} is not known", "this Optout reads `version: 1`")
    return 1


# YAML 1.1, type "bool": every editor knows these words.
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _truth(value: object) -> object:
    return _TRUTH.get(value.lower(), value) if isinstance(value, str) else value


def _crawler(text: str, info: ValidationInfo) -> str:
    return _vocabulary(info).crawler(text)


def _operator(text: str, info: ValidationInfo) -> str:
    return _vocabulary(info).operator(text)


def _vocabulary(info: ValidationInfo) -> Vocabulary:
    assert isinstance(info.context, Vocabulary)  # noqa: S101  the loader always gives it
    return info.context


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _recognizable(purpose: Purpose) -> Purpose:
    if purpose is Purpose.CONTROL_TOKEN:
        raise WrongValueError(
            "a control token is never sent in a request, so no clause can meet it",
            "publish it in robots.txt; `optout crawlers show NAME` says how",
        )
    return purpose


def _without_control_token(schema: dict[str, Any]) -> None:
    schema["enum"] = [purpose.value for purpose in Purpose if purpose is not Purpose.CONTROL_TOKEN]
    for key in ("$ref", "allOf"):
        schema.pop(key, None)


_Method = Annotated[
    Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"],
    BeforeValidator(_upper),
]
_Purpose = Annotated[Purpose, AfterValidator(_recognizable), Field(json_schema_extra=_without_control_token)]
_Url = Annotated[str, AfterValidator(values.url)]
_Sentence = Annotated[str, AfterValidator(values.sentence)]
_File = Annotated[str, AfterValidator(values.file_path)]
_Sitemap = Annotated[str, AfterValidator(values.absolute_url)]
_Share = Annotated[
    int,
    BeforeValidator(values.share),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
_Sites = Annotated[tuple[Annotated[str, AfterValidator(values.site)], ...], OneOrMore()]


class Form(BaseModel):
    """A part of a file. Unknown keys are errors: a misspelled key must not silently change who is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ClauseForm(Form):
    """One sentence: who, where, and what they are told. The first clause that fits decides."""

    id: Annotated[str, AfterValidator(values.clause_id)] = Field(
        default="", description="The clause's name in answers and records. Default: clause-1, clause-2, ..."
    )
    action: ClauseAction = Field(
        description="allow, deny (403), require-license (402), published: what the site has published decides,"
        " or throttle: who is let in may come no more often than `rate` (429)."
    )
    rate: Annotated[str, AfterValidator(values.rate)] = Field(
        default="", description="With `action: throttle`: how many requests an operator may make, such as 60/minute."
    )
    crawler: Annotated[tuple[Annotated[str, AfterValidator(_crawler)], ...], OneOrMore()] = Field(
        default=(), description="Crawlers by name, as `optout crawlers list` shows them."
    )
    operator: Annotated[tuple[Annotated[str, AfterValidator(_operator)], ...], OneOrMore()] = Field(
        default=(), description="Everything that these operators run and that is an AI crawler."
    )
    purpose: Annotated[tuple[_Purpose, ...], OneOrMore()] = Field(
        default=(), description="What the crawler takes the site for."
    )
    standing: Annotated[tuple[Standing, ...], OneOrMore()] = Field(
        default=(), description="How far the crawler's claim can be believed."
    )
    path: Annotated[tuple[Annotated[str, AfterValidator(values.path_pattern_text)], ...], OneOrMore()] = Field(
        default=(), description="Path patterns as in robots.txt: * is anything, a final $ is the end."
    )
    method: Annotated[tuple[_Method, ...], OneOrMore()] = Field(
        default=(), description="HTTP methods. GET does not include HEAD."
    )
    mode: Mode | None = Field(
        default=None, description="observe: record what this clause would do, and go on with the next."
    )
    including_search: Annotated[StrictBool, BeforeValidator(_truth)] = Field(
        default=False, description="true where this clause refuses a search engine on purpose."
    )
    reason: _Sentence = Field(default="", description="One sentence, told to whoever is refused by this clause.")

    @model_validator(mode="after")
    def _has_its_rate(self) -> Self:
        if self.action is ClauseAction.THROTTLE and not self.rate:
            raise WrongValueError("`action: throttle` says not how often", "add `rate:`, such as 60/minute")
        if self.rate and self.action is not ClauseAction.THROTTLE:
            raise WrongValueError(
                f"`rate` is for `action: throttle`, and this clause's is `{self.action}`", "delete one of them"
            )
        return self


class EvidenceForm(Form):
    """What must be on record before it is handed out, and for how long the private part of a record can be read."""

    required_for: Annotated[tuple[_Purpose, ...], NoneOrMore()] = Field(
        default=(Purpose.TRAIN, Purpose.DATASET),
        description="Crawlers with these purposes get content only if the request is on record; else 503.",
    )
    private: bool = Field(
        default=True, description="Whether addresses and queries are kept, sealed. false: nobody ever has them."
    )
    retention_days: Annotated[int, Field(ge=30, le=365)] = Field(
        default=180, description="For how long after its month a private part can be read; longer by a hold."
    )


class DocumentsForm(Form):
    """Where the site's robots.txt and tdmrep.json are read."""

    from_: DocumentsFrom = Field(
        alias="from",
        description="origin: asked of the site itself. files: read from this machine. generated: made from this policy"
        " and served by Optout.",
    )
    robots: _File = Field(default="", description="The robots.txt file, with `from: files`.")
    tdmrep: _File = Field(default="", description="The tdmrep.json file, with `from: files`.")
    base: Annotated[str, AfterValidator(values.document_text)] = Field(
        default="", description="A robots.txt, as text: what the generated one says where no clause speaks."
    )
    sitemaps: Annotated[tuple[_Sitemap, ...], OneOrMore()] = Field(
        default=(), description="Sitemaps for the generated robots.txt to name."
    )

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        named = bool(self.robots or self.tdmrep)
        if self.from_ is DocumentsFrom.FILES and not named:
            raise WrongValueError("`from: files` names no file", "add `robots:` or `tdmrep:` with a path")
        if self.from_ is not DocumentsFrom.FILES and named:
            raise WrongValueError(f"files are named, but `from: {self.from_}` reads none", "write `from: files`")
        if self.from_ is not DocumentsFrom.GENERATED and (self.base or self.sitemaps):
            what = f"`base` and `sitemaps` are for generated documents, but `from` is `{self.from_}`"
            raise WrongValueError(what, "write `from: generated`, or delete them")
        return self


class EnforceForm(Form):
    """Which sites are enforced while the others observe; one that is listed, or that is within the share."""

    sites: _Sites = Field(default=(), description="Sites by name, in the forms that the policy's `sites` take.")
    percent: _Share = Field(
        default=0, description="A share of all sites, 0 to 100, with up to two decimals; raising it takes none out."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise WrongValueError("nothing says which sites are enforced", "add `sites:` or `percent:`")
        return self


def _enforced(value: object) -> object:
    """Not the default None: `enforce:` above a list that was commented out would enforce every site."""
    if value is None:
        raise WrongValueError("nothing says which sites are enforced", "add `sites:` or `percent:`, or delete the key")
    return value


def _without_null(schema: dict[str, Any]) -> None:
    schema["$ref"] = schema.pop("anyOf")[0]["$ref"]
    del schema["default"]


class HeadForm(Form):
    """Everything in a policy file but its clauses."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = Field(description="The form of this file: 1.")
    sites: _Sites = Field(default=("*",), description="The sites that this policy is for. Default: every site.")
    mode: Mode = Field(
        default=Mode.OBSERVE,
        description="observe: answer nobody, record what would have been. enforce: do it. Default: observe.",
    )
    enforce: Annotated[EnforceForm | None, BeforeValidator(_enforced)] = Field(
        default=None,
        description="With `mode: enforce`: only these sites are enforced, the others observe.",
        json_schema_extra=_without_null,
    )
    default: Literal["allow", "deny", "require-license"] = Field(
        description="What an AI crawler is told if nothing else decides."
    )
    on_error: OnError = Field(description="What an AI crawler gets when Optout itself fails: refuse (503) or allow.")
    on_disallow: Literal["deny", "require-license"] = Field(
        default="deny", description="What a Disallow in the site's robots.txt means. Default: deny."
    )
    on_reservation: OnReservation = Field(
        default=OnReservation.DECLARE,
        description="What a reservation means for crawlers that fetch for the reserved use alone. Default: declare.",
    )
    user_fetch_obeys: Literal["own-group", "everyone"] = Field(
        default="own-group",
        description="Whether a fetch that a person asked for obeys only its own robots.txt group, or * as well.",
    )
    contact: Annotated[str, AfterValidator(values.contact)] = Field(
        default="", description="Where a refused person or a buyer writes: an e-mail address or a URL."
    )
    terms: _Url = Field(default="", description="The page with your terms of use, for people.")
    license: _Url = Field(default="", description="Your RSL license document, for machines.")
    license_server: Annotated[str, AfterValidator(values.server_url)] = Field(
        default="", description="The base URL of the license server that issues and checks tokens."
    )
    tdm_policy: Annotated[str, AfterValidator(values.secure_url)] = Field(
        default="", description="Your TDM policy, for whoever mines text and data."
    )
    tenant: Annotated[str, AfterValidator(values.name)] = Field(
        default="default", description="Whose evidence this is, on a host of many sites."
    )
    evidence: EvidenceForm = EvidenceForm()
    documents: DocumentsForm = DocumentsForm.model_validate({"from": "origin"})


class PolicyForm(HeadForm):
    """A policy file: who may take what from a site, and what they are told."""

    model_config = ConfigDict(title="Optout policy, version 1")

    clauses: tuple[ClauseForm, ...] = Field(
        default=(), description="Sentences, tried from top to bottom; the first that fits decides."
    )


FORMS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): PolicyForm,
    ("clauses",): ClauseForm,
    ("enforce",): EnforceForm,
    ("evidence",): EvidenceForm,
    ("documents",): DocumentsForm,
}
"""The form of each part of a policy file, by the keys that lead there."""


def json_schema() -> dict[str, object]:
    """The JSON Schema of a policy file, as published in docs/policy.schema.json."""
    schema = PolicyForm.model_json_schema(by_alias=True)
    for form in (schema, *schema["$defs"].values()):
        for each in form.get("properties", {}).values():
            each.pop("title", None)
            if each.get("default") in ("", []):  # an editor would write it out, and an empty list is refused
                del each["default"]
    return {"$schema": SCHEMA_DIALECT, **schema}
