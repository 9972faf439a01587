"""The gateway's own words."""

from __future__ import annotations

from http import HTTPStatus

from optout.adapters.gateway import faults as gateway_faults
from optout.adapters.gateway.faults import KEEP_OPEN, Fault

FAULTS = [value for value in vars(gateway_faults).values() if isinstance(value, Fault)]


def test_each_is_an_error_and_a_sentence_that_names_nobody() -> None:
    assert FAULTS
    for fault in FAULTS:
        assert HTTPStatus(fault.status) >= HTTPStatus.BAD_REQUEST
        assert fault.text.endswith(".")
        assert "{" not in fault.text


def test_only_what_the_origin_failed_in_leaves_the_connection_open() -> None:
    assert {fault.status for fault in FAULTS if fault.status in KEEP_OPEN} == {502, 504}
