"""`once` as people, scripts and Nagios read it."""

import json
from dataclasses import replace

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.model import StepResult
from prober.observe.report import json_line, nagios, text
from prober.verdict import judge
from prober.vocabulary import Phase
from tests.observe.made import ASSIGNMENT, WORKED, judged, outcome


def test_json_is_what_is_promised() -> None:
    made = outcome(kinds.NO_ANSWER, evidence={"http_status": "200", "secret": "canary"}, phase=Phase.WAIT)
    seen = json.loads(json_line(ASSIGNMENT, made, judge(made, WORKED)))
    assert {key: seen[key] for key in ("client", "target", "verdict", "reason", "code", "blame", "started_at")} == {
        "client": "toy",
        "target": "hq",
        "verdict": "failed",
        "reason": "read_timeout",
        "code": "no_answer",
        "blame": "frontend",
        "started_at": "2026-11-23T12:00:00Z",
    }
    assert seen["duration_seconds"] == 1.0
    assert seen["skipped"] == ["leave"]
    assert seen["steps"] == [
        {
            "step": "look",
            "verdict": "ok",
            "reason": None,
            "code": None,
            "phase": None,
            "duration_seconds": 0.25,
            "phases": {"dns": 0.125, "wait": 0.125},
            "evidence": {},
        },
        {
            "step": "take",
            "verdict": "failed",
            "reason": "read_timeout",
            "code": "no_answer",
            "phase": "wait",
            "duration_seconds": 0.5,
            "phases": {"wait": 0.25},
            "evidence": {"http_status": "200"},
        },
    ]


def test_a_cached_step_has_no_duration() -> None:
    made = replace(outcome(), results=(StepResult("token_request", None, facts={"cached": True}),))
    seen = json.loads(json_line(ASSIGNMENT, made, judge(made, WORKED)))
    assert seen["steps"][0]["duration_seconds"] is None
    assert seen["steps"][0]["evidence"] == {"cached": True}
    assert " cached |" in text(ASSIGNMENT, made, judge(made, WORKED))


def test_the_waterfall_draws_each_step_where_it_lies() -> None:
    made = outcome(kinds.NO_ANSWER, phase=Phase.WAIT)
    assert text(ASSIGNMENT, made, judge(made, WORKED)).splitlines() == [
        "toy on hq (mailbox): FAILED read_timeout (no_answer), blame frontend in 1.00s",
        "  + look                   250.0ms |dddddwwwww                              | dns=125.0ms wait=125.0ms",
        (
            "  x take                   500.0ms |          wwwwwwwwww..........          | "
            "wait=250.0ms no_answer during wait"
        ),
        "  because the service did not do what the client needs",
        "  not reached or not needed: leave",
    ]


def test_the_waterfall_says_whose_moments_it_has_where_the_kernels_were_asked_for() -> None:
    """Asked for and to be had, or not to be had; without the option nothing is said."""
    for whose in ("kernel", "loop"):
        made = replace(outcome(), results=(StepResult("look", 0.25, {Phase.WAIT: 0.25}, facts={"timestamps": whose}),))
        assert (
            text(ASSIGNMENT, made, judge(made, WORKED)).splitlines()[1].endswith(f"| wait=250.0ms timestamps={whose}")
        )
        assert json.loads(json_line(ASSIGNMENT, made, judge(made, WORKED)))["steps"][0]["evidence"] == {
            "timestamps": whose
        }
    assert "timestamps" not in text(ASSIGNMENT, outcome(), judge(outcome(), WORKED))


def test_an_attempt_that_took_no_time_is_drawn_as_well() -> None:
    made = outcome(duration=0.0)
    assert "OK in 0.0ms" in text(ASSIGNMENT, made, judge(made, WORKED))


def test_nothing_that_must_not_leave_is_in_any_of_them() -> None:
    made = outcome(kinds.BAD_REPLY, evidence={"error": "canary@x.example"}, facts={"subject": "canary"})
    finished = (ASSIGNMENT, made, judge(made, WORKED))
    assert "canary" not in text(*finished) + json_line(*finished) + nagios([finished])[0]


@pytest.mark.parametrize(
    ("found", "word", "code"),
    [
        ([None], "OK - 1 of 1 succeeded", 0),
        ([None, kinds.NO_ANSWER], "CRITICAL - toy on hq failed read_timeout at take", 2),
        ([None, kinds.PROXY_DENIED], "UNKNOWN - toy on hq excluded probe_internal at take", 3),
        ([kinds.PROXY_DENIED, kinds.NO_ANSWER], "CRITICAL - toy on hq excluded", 2),
    ],
)
def test_the_plug_in_line_says_the_worst(found: list[Kind | None], word: str, code: int) -> None:
    line, given = nagios([(ASSIGNMENT, *judged(kind)) for kind in found])
    assert line.startswith(f"CLIENTACCESS {word}")
    assert line.endswith("| " + " ".join(["'toy/hq'=1.000000s"] * len(found)))
    assert given == code


def test_slow_is_a_warning_and_nothing_at_all_is_unknown() -> None:
    made = outcome(duration=5.0)
    assert nagios([(ASSIGNMENT, made, judge(made, replace(WORKED, objective=1.0)))])[1] == 1
    assert nagios([])[1] == 3
