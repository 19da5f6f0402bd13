"""Refusals in the directory's own words."""

import json
from datetime import UTC, datetime

from prober.simulator.login.errors import CODES, Refused, refusal


def test_a_known_code_brings_its_error_and_status() -> None:
    """And either can be replaced."""
    plain, told = Refused(7000222), Refused(53003, 403)
    assert (plain.error, plain.status) == ("invalid_client", 401)
    assert (told.error, told.status) == ("interaction_required", 403)


def test_an_unknown_code_is_a_refused_grant() -> None:
    """Any number can be asked for."""
    assert (Refused(123).error, Refused(123).status) == ("invalid_grant", 400)


def test_a_refusal_repeats_the_callers_correlation_id() -> None:
    """And gives the time as the directory does."""
    reply = refusal(Refused(50126), datetime(2026, 5, 24, 23, 0, tzinfo=UTC), "abc")
    assert isinstance(reply.body, bytes)
    told = json.loads(reply.body)
    assert (told["correlation_id"], told["timestamp"]) == ("abc", "2026-05-24 23:00:00Z")
    assert told["error_description"].startswith("AADSTS50126: ")


def test_every_code_is_a_refusal() -> None:
    """None with a status of success."""
    assert all(code.status >= 400 and code.text for code in CODES.values())
