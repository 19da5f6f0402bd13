"""The incidents that come with the tenant."""

import tomllib
from pathlib import Path, PurePath

from prober.simulator.faults.catalogue import FILE, PACKAGE, incidents
from prober.simulator.faults.fault import EVERYBODY
from prober.simulator.layout import CLIENTS

ROOT = Path(__file__).resolve().parents[3]


def test_incidents_come_first_and_decoys_after() -> None:
    """Each with a title of its own to be picked by from a menu."""
    found = incidents()
    decoys = [one.decoy for one in found]
    assert decoys == sorted(decoys)
    assert {True, False} == set(decoys)
    titles = [one.title for one in found]
    assert all(len(title) > 20 for title in titles)
    assert len(set(titles)) == len(titles)


def test_one_of_them_in_full() -> None:
    """What the file says is what will happen."""
    (one,) = (incident for incident in incidents() if incident.id == "S03")
    assert (one.population_pct, one.stick, one.duration_min) == (60, "attempt", 9330)
    assert (one.shape.ramp_min, one.shape.decay_min) == (60, 180)
    assert [(fault.kind, fault.pct, sorted(fault.steps)) for fault in one.faults] == [
        ("imap_tagged", 18, ["namespace"]),
        ("imap_tagged", 7, ["authenticate"]),
        ("delay", 3, ["authenticate"]),
    ]
    assert one.faults[0].text("text") == "BAD User is authenticated but not connected."


def test_what_is_expected_names_clients_that_there_are() -> None:
    """A misspelt one would be neither red nor green, and nobody would notice."""
    for one in incidents():
        named = {name.partition("@")[0] for key in ("red", "green") for name in one.expect.get(key, ())}
        assert named <= {*CLIENTS, EVERYBODY}, one.id
        assert {"red", "verdict"} & set(one.expect), one.id


def test_the_file_is_installed_with_the_package() -> None:
    """Or an installed tenant would have none."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"][PACKAGE]
    assert any(PurePath(FILE).match(pattern) for pattern in patterns)
