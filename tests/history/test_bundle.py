"""What is kept of a failure, and what is not."""

import json
from dataclasses import replace

from prober import __version__
from prober.history.bundle import Origin, bundle, summary, written
from prober.observe import report
from tests.history.made import AADSTS, PROBER, Told, failed
from tests.observe.made import ASSIGNMENT, TARGET, judged


def test_a_bundle_is_what_once_prints_and_the_evidence() -> None:
    """To the letter: scripts read it."""
    outcome, judgement = failed(evidence=AADSTS)
    made = bundle(ASSIGNMENT, outcome, judgement, vantage="fra1")
    evidence = made.pop("evidence")
    assert made == report.as_json(outcome, judgement) | {"origin": "schedule", "step": "take", "counted": True}
    assert evidence == {
        "depth": "mailbox",
        "environment": "exchange_server",
        "waterfall": report.text(ASSIGNMENT, outcome, judgement).splitlines(),
        "request_ids": {"request-id": ["r-1", "r-2"], "client-request-id": ["c-9"]},
        "servers": {"front_end": ["AMS"], "x-feserver": ["AM0PR01CA0001"]},
        "addresses": [{"step": "take", "resolved": ["192.0.2.1", "192.0.2.2"], "connected": "192.0.2.2"}],
        "aadsts": {
            "code": "50053",
            "trace_id": "0000aaaa-11bb-cccc-dd22-eeeeee333333",
            "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
            "timestamp": "2026-11-23 12:00:01Z",
        },
        "prober": {"vantage": "fra1", "version": __version__, **PROBER},
        "transcript": ["  1.0 > A1 LOGIN ***"],
        "same_as": None,
    }
    assert "canary" not in json.dumps([made, evidence])


def test_one_like_another_leaves_the_transcript_to_it() -> None:
    """And what is its own, such as the ids of its requests, it has."""
    told = Told("never read")
    outcome, judgement = failed(told=told)
    evidence = bundle(ASSIGNMENT, outcome, judgement, vantage="fra1", same_as="f1")["evidence"]
    assert (evidence["same_as"], evidence["transcript"], told.read) == ("f1", [], 0)
    assert evidence["request_ids"] == {"request-id": ["r-1", "r-2"], "client-request-id": ["c-9"]}
    assert evidence["aadsts"] is None


def test_an_attempt_of_which_nothing_was_taken_down_has_a_bundle_too() -> None:
    outcome, judgement = failed()
    evidence = bundle(ASSIGNMENT, replace(outcome, aside=None), judgement, vantage="fra1")["evidence"]
    assert evidence["transcript"] == []
    assert evidence["prober"] == {"vantage": "fra1", "version": __version__}
    assert evidence["request_ids"] == {"request-id": ["r-1"], "client-request-id": ["c-9"]}


def test_in_short() -> None:
    outcome, judgement = failed()
    assert summary(bundle(ASSIGNMENT, outcome, judgement, vantage="fra1")) == {
        "origin": "schedule",
        "started_at": "2026-11-23T12:00:00Z",
        "verdict": "failed",
        "reason": "read_timeout",
        "code": "no_answer",
        "blame": "frontend",
        "duration_seconds": 1.0,
        "step": "take",
        "counted": True,
    }
    assert bundle(ASSIGNMENT, *judged(), vantage="fra1")["step"] is None


def test_what_no_schedule_wanted_is_in_no_availability() -> None:
    """Whatever its verdict: it says where it comes from, and has all the rest."""
    outcome, judgement = failed()
    whole = bundle(ASSIGNMENT, outcome, judgement, vantage="fra1")
    for origin in (Origin.SECOND_LOOK, Origin.PROBE, Origin.PUSH):
        made = bundle(ASSIGNMENT, outcome, judgement, vantage="fra1", origin=origin)
        assert made == whole | {"origin": origin.value, "counted": False}


def test_nobodys_name_is_written_wherever_it_stands() -> None:
    """Mailbox and canary, in any spelling: the last net under everything before it."""
    named = replace(ASSIGNMENT, target=replace(TARGET, mailbox='o"hara@corp.example', canary="marker-x1"))
    text = written(named, {"because": 'no O"Hara@corp.example, no MARKER-X1, but jürgen', "n": 1})
    assert json.loads(text) == {"because": "no ***, no ***, but jürgen", "n": 1}
    nobody = replace(ASSIGNMENT, target=replace(TARGET, mailbox=None))
    assert written(nobody, {"a": "b"}) == '{"a": "b"}'
