"""`prober drill`: its options, its mistakes, and its exit codes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result as Ran

from prober.cli import main
from prober.rehearsal import drill as rehearsal
from prober.rehearsal.expectation import Finding
from prober.rehearsal.report import Result
from prober.simulator.faults.read import Incident

SCENARIOS = """\
format: probe-scenarios/1
scenarios:
- id: T01
  source: the first
  regions: [eu]
  population_pct: 100
  stick: attempt
  duration_min: 60
  faults: [{client: imap4, step: list, pct: 100, kind: imap_tagged, text: "NO Server Unavailable. 15"}]
  expect: {red: [imap4], class: [server_busy]}
- id: T02
  source: the second
  regions: [eu]
  population_pct: 100
  stick: attempt
  duration_min: 60
  faults: [{client: owa, step: any, pct: 100, kind: http, status: 503}]
  expect: {red: [owa]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenarios.yaml"
    path.write_text(SCENARIOS)
    return path


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Have scenarios end as told, without playing them."""
    holds = {"T01": True}

    def drill(incidents: Sequence[Incident]) -> Iterator[Result]:
        for one in incidents:
            if one.id in holds:
                yield Result(one.id, one.title, (Finding("red imap4", "as told", holds=holds[one.id]),))
            else:
                yield Result(one.id, one.title, missing=("owa",))

    monkeypatch.setattr(rehearsal, "drill", drill)
    return holds


def run(*arguments: object) -> Ran:
    return CliRunner().invoke(main, ["drill", *map(str, arguments)])


def test_everything_in_the_file_is_played_and_told(file: Path, played: dict[str, bool]) -> None:
    """What cannot be played is listed and changes nothing: exit 0."""
    ran = run("--scenario", file)
    assert ran.exit_code == 0, ran.output
    assert "ok   red imap4  as told" in ran.output
    assert "not yet drillable: no client owa" in ran.output


def test_one_expectation_that_did_not_hold_is_exit_1(file: Path, played: dict[str, bool]) -> None:
    """However many others did."""
    played["T01"] = False
    assert run("--scenario", file).exit_code == 1


def test_scenarios_are_chosen_by_id(file: Path, played: dict[str, bool]) -> None:
    """One that is asked for by name and cannot be played is exit 1."""
    ran = run("--scenario", file, "--id", "T01")
    assert (ran.exit_code, "T02" in ran.output) == (0, False)
    assert run("--scenario", file, "--id", "T02").exit_code == 1


def test_json_is_one_object_per_line(file: Path, played: dict[str, bool]) -> None:
    """For scripts."""
    ran = run("--scenario", file, "--format", "json")
    assert [json.loads(line)["id"] for line in ran.output.splitlines()] == ["T01", "T02"]


def test_an_unknown_id_is_a_mistake_with_a_suggestion(file: Path) -> None:
    """Exit 2, and nothing is played."""
    ran = run("--scenario", file, "--id", "T0I")
    assert (ran.exit_code, ran.output) == (2, "prober: no scenario 'T0I'; did you mean 'T02'?\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"format: something-else/1\n", "format"),
        (SCENARIOS.replace("server_busy", "server_bussy").encode(), "server_bussy"),
        (SCENARIOS.replace("imap_tagged", "imap_taged").encode(), "imap_taged"),
    ],
    ids=["bytes", "format", "class", "kind"],
)
def test_a_mistake_in_the_file_is_exit_2_and_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    """It names the file and what is wrong."""
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    ran = run("--scenario", path)
    assert ran.exit_code == 2
    assert said in ran.output
    assert str(path) in ran.output
    assert "Traceback" not in ran.output


def test_a_file_that_is_not_there_is_exit_2(tmp_path: Path) -> None:
    """As is a command line without any."""
    ran = run("--scenario", tmp_path / "nowhere.yaml")
    assert (ran.exit_code, "No such file" in ran.output) == (2, True)
    assert run().exit_code == 2
