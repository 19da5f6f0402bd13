"""Incidents from files: what a file may say, and what it is told when it is wrong."""

import pytest

from prober.simulator.document import DocumentError, read
from prober.simulator.faults.read import read_faults, read_scenarios
from prober.simulator.faults.shape import Relapse, Shape

WHOLE = """\
format: probe-scenarios/1
scenarios:
- id: S1
  source: EX1
  known: {clients: [imap4], anything: {goes: here}}
  regions: [eu, na]
  population_pct: 40
  stick: mailbox
  duration_min: 120
  faults:
  - {client: [imap4, activesync], step: [list, folder_sync], pct: 20, kind: delay, seconds: 25}
  - {client: imap4, step: namespace, kind: imap_tagged, text: "BAD no", since: setup, once: true}
  shape: {ramp_min: 10, decay_min: 20, relapse: [{after_min: 30, for_min: 5, intensity: 0.5}]}
  expect: {red: [imap4], class: [read_timeout]}
decoys:
- {id: D1, title: resolver down, faults: [{client: [all, control], step: any, pct: 100, kind: dns_timeout}]}
"""


def test_a_whole_file_is_read() -> None:
    """Names and lists of names alike; what a decoy leaves out has defaults."""
    incident, decoy = read_scenarios(WHOLE, "s.yaml")
    assert (incident.id, incident.title, incident.regions) == ("S1", "EX1", ("eu", "na"))
    assert (incident.population_pct, incident.stick, incident.duration_min) == (40, "mailbox", 120)
    assert incident.shape == Shape(10, 20, (Relapse(30, 5, 0.5),))
    first, second = incident.faults
    assert (first.clients, first.steps, first.pct) == (
        frozenset({"imap4", "activesync"}),
        frozenset({"list", "folder_sync"}),
        20.0,
    )
    assert dict(first.arguments) == {"seconds": 25}
    assert (second.pct, second.since, second.once, dict(second.arguments)) == (100, "setup", True, {"text": "BAD no"})
    assert dict(incident.expect) == {"red": ["imap4"], "class": ["read_timeout"]}
    assert not incident.decoy
    assert decoy.decoy
    assert (decoy.regions, decoy.population_pct, decoy.stick) == (("all",), 100, "attempt")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("- {id: X, stik: site}", "s:3:11: scenarios[0].stik: unknown key; did you mean 'stick'?"),
        ("- {id: X, stick: sites}", "s:3:11: scenarios[0].stick: input should be 'attempt', 'connection', 'mailbox'"),
        ("- {id: X, population_pct: 101}", "s:3:11: scenarios[0].population_pct: input should be less than or equal"),
        ("- {id: X, faults: [{kind: dely}]}", "s:3:21: scenarios[0].faults[0].kind: unknown kind 'dely'; did you mean"),
        ("- {id: X, faults: [{kind: delay}]}", "s:3:20: scenarios[0].faults[0].seconds: delay needs it"),
        ("- {id: X, faults: [{kind: stall, secs: 1}]}", "s:3:34: scenarios[0].faults[0].secs: unknown key"),
        ("- {id: X, faults: [{kind: delay, seconds: x}]}", "s:3:34: scenarios[0].faults[0].seconds: must be a number"),
        ("- {id: X, faults: [{kind: http, status: 7}]}", "s:3:33: scenarios[0].faults[0].status: must be a status"),
        ("- {id: X, faults: [{kind: stall, client: imap}]}", "unknown client 'imap'; did you mean 'imap4'?"),
        ("- {id: X, faults: [{kind: stall, pct: -1}]}", "scenarios[0].faults[0].pct: input should be greater"),
        ("- {id: X, faults: [oops]}", "s:3:20: scenarios[0].faults[0]: "),
        ("- {title: no id}", "scenarios[0].id: is missing"),
        ("- {id: X}\n- {id: X}", "s:4:4: scenarios[1].id: there is another 'X'"),
        ("- oops", "s:3:3: scenarios[0]: expected an incident"),
        ("- {id: X, id: Y}", "s:3:11: id: stands here twice"),
        ("- {id: [", "s:"),
    ],
)
def test_a_mistake_is_a_line_with_its_place(wrong: str, line: str) -> None:
    """File, line, column, path, what is wrong, and what was meant."""
    with pytest.raises(DocumentError) as told:
        read_scenarios(f"format: probe-scenarios/1\nscenarios:\n{wrong}\n", "s")
    assert any(line in problem for problem in told.value.problems), told.value.problems


def test_all_mistakes_are_told_at_once() -> None:
    """One per line."""
    text = "format: x\nscenarios: [{id: A, stik: 1}, {id: B, faults: [{kind: nope}]}]\nfurther: 1\n"
    with pytest.raises(DocumentError) as told:
        read_scenarios(text, "s")
    assert len(told.value.problems) == 4


@pytest.mark.parametrize("text", ["", "[]", "just words", "format: other/1"])
def test_another_kind_of_file_is_refused(text: str) -> None:
    """With the format it should have."""
    with pytest.raises(DocumentError, match="probe-scenarios/1"):
        read_scenarios(text, "s")


def test_faults_alone_are_a_list() -> None:
    """As the control interface takes them."""
    document = read("[{kind: reset, at: body}]", "request")
    (fault,) = read_faults(document.data, document)
    assert (fault.kind, fault.clients, fault.steps) == ("reset", frozenset({"all"}), frozenset({"any"}))
    with pytest.raises(DocumentError, match="expected a list"):
        read_faults({}, document)
