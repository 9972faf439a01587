"""Lists of a policy file: one item may stand for a list of one, and an empty list is seldom meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from optout.policy.values import WrongValueError


class OneOrMore:
    """Annotation: a list may be written as its single item. An empty list or nothing is refused.

    An empty selector selects everybody; who writes `crawler: []` means nobody.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A list first, then the items."""
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One item, or a list of at least one."""
        many = handler(schema)
        return {"anyOf": [many["items"], {**many, "minItems": 1}]}


class NoneOrMore(OneOrMore):
    """Annotation: as OneOrMore, but `[]` is a choice of its own: nobody."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The empty list, or as OneOrMore."""
        choose = core_schema.no_info_before_validator_function
        return choose(lambda value: value if value == [] else _listed(value), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One item, or a list."""
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _listed(value: object) -> object:
    if value is None or value == []:
        raise WrongValueError("nothing is listed here", "name at least one, or delete the key")
    if isinstance(value, Mapping):
        raise WrongValueError("keys and values stand here", "write a word, or a list such as [a, b]")
    return value if isinstance(value, list) else [value]
