"""The text for a support case."""

from typing import Any

from prober import __version__
from prober.history.bundle import Origin, bundle
from prober.history.casefile import ORIGINS, text
from prober.observe import report
from tests.history.made import AADSTS, Told, failed
from tests.observe.made import ASSIGNMENT


def paste(same_as: str | None = None, told: Told | None = None, **evidence: str) -> str:
    outcome, judgement = failed(told=told, evidence=evidence)
    return text({"id": "f1", **bundle(ASSIGNMENT, outcome, judgement, vantage="fra1", same_as=same_as)})


def test_everything_is_in_it_that_a_case_needs() -> None:
    """To the letter, but for the waterfall, which others test."""
    shown = paste(told=Told("      1.0 > A1 LOGIN ***", "      9.0 ! no_answer"), **AADSTS)
    outcome, judgement = failed(evidence=AADSTS)
    waterfall = "\n".join(f"  {line}" for line in report.text(ASSIGNMENT, outcome, judgement).splitlines())
    assert (
        shown
        == f"""\
Failed client access, evidence f1
  client                 toy (exchange_server, mailbox)
  target                 hq
  seen by                an attempt of the schedule
  started (UTC)          2026-11-23T12:00:00Z
  took                   1.000 s
  broke at               take
  verdict                failed: read_timeout (no_answer), blame frontend
  because                {judgement.because}

For the operator of the service
  sign-in error          AADSTS50053
  trace id               0000aaaa-11bb-cccc-dd22-eeeeee333333
  correlation id         aaaa0000-bb11-2222-33cc-444444dddddd
  timestamp              2026-11-23 12:00:01Z
  request-id             r-1
                         r-2
  client-request-id      c-9
  front_end              AMS
  x-feserver             AM0PR01CA0001
  address (take)         192.0.2.2, of 192.0.2.1, 192.0.2.2

What was done (d dns, c connect, t tls, s send, w wait, r receive)
{waterfall}

What passed (milliseconds, > said, < heard, ! how it ended; secrets, names and contents are starred)
        1.0 > A1 LOGIN ***
        9.0 ! no_answer

The prober at that time
  vantage                fra1
  version                {__version__}
  loop_lag_seconds       0.0
  late_seconds           0.0
  sickness               none
  control                well
"""
    )


def test_one_like_another_says_where_to_look() -> None:
    assert "  as in evidence f0, shortly before\n" in paste(same_as="f0")
    assert "  nothing passed that was taken down\n" in paste(told=Told())


def test_it_says_what_it_was_that_failed() -> None:
    """For each origin in words of its own."""
    assert set(ORIGINS) == set(Origin)
    outcome, judgement = failed()
    for origin, words in ORIGINS.items():
        made = bundle(ASSIGNMENT, outcome, judgement, vantage="fra1", origin=Origin(origin))
        assert f"  seen by                {words}\n" in text({"id": "f1", **made})


def test_where_nothing_was_reached_it_says_so() -> None:
    made: dict[str, Any] = {
        "evidence": {"aadsts": None, "request_ids": {}, "servers": {}, "addresses": [], "same_as": None}
    }
    made |= {"step": "connect"}
    made["evidence"] |= {"waterfall": [], "transcript": [], "prober": {}}
    made["evidence"] |= {"environment": "exchange_server", "depth": "reach"}
    told = {"id": "f", "client": "c", "target": "t", "started_at": "", "duration_seconds": 1.0, "verdict": "failed"}
    assert "  no server was reached\n" in text(
        {**made, **told, "reason": "r", "code": "c", "blame": "b", "because": ""}
    )
