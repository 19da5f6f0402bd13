"""The walls between the rooms: who may import whom. Imports point one way, and only few compose."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "prober"
COMPOSERS = {"__init__", "__main__", "app", "assembly", "cli", "enrolment", "notices", "rehearsal", "worker"}
BOTH_SIDES = {"cli", "rehearsal"}
"""Who may know the prober and the simulated tenant it rehearses against."""
OUTSIDE_WORLD = {"asyncio", "socket", "ssl", "time", "threading", "subprocess", "select", "selectors"}

# What of ours each room may import besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "vocabulary": set(),
    "secret": set(),
    "record": set(),
    "listen": set(),
    "storage": set(),
    "exchange": {"record", "secret", "vocabulary"},
    "faults": {"vocabulary"},
    "model": {"faults.taxonomy", "record", "vocabulary"},
    "timeline": {"model", "vocabulary"},
    "alarm": set(),
    "deadline": {"alarm"},
    "verdict": {"faults", "model", "vocabulary"},
    "sightings": {"faults.taxonomy"},
    "transaction": {
        *("deadline", "exchange", "faults", "model", "protocols.http.diagnostics", "protocols.http.status"),
        *("secret", "sightings", "timeline", "vocabulary"),
    },
    "protocols": {"exchange", "faults.taxonomy", "record", "secret", "vocabulary"},
    "clients": {"exchange", "faults.taxonomy", "model", "protocols", "transaction", "vocabulary"},
    "net": {"alarm", "exchange", "faults", "model", "secret", "timeline", "vocabulary"},
    "identity": {
        *("exchange", "faults", "model", "net", "protocols", "secret", "timeline", "transaction", "vocabulary"),
    },
    "settings": {"identity.spec", "model", "net.forbidden", "net.route", "secret", "transaction", "vocabulary"},
    "schedule": {
        *(
            "detect.confirming",
            "exchange",
            "faults",
            "identity.spec",
            "model",
            "secret",
            "timeline",
            "transaction",
            "verdict",
        ),
        "vocabulary",
    },
    "blame": {"faults.taxonomy", "model", "verdict", "vocabulary"},
    "detect": {"vocabulary"},
    "detection": {
        *(
            "detect",
            "faults.taxonomy",
            "model",
            "schedule.channels",
            "timeline",
            "transaction",
            "verdict",
            "vocabulary",
        ),
    },
    "planning": {"detect", "model"},
    "observe": {
        *("blame", "detect", "exchange", "faults", "model", "protocols.http.challenge", "timeline", "transaction"),
        *("verdict", "vocabulary"),
    },
    "history": {"model", "observe", "timeline", "verdict", "vocabulary"},
    "serving": {
        *("faults", "model", "observe", "schedule.attempts", "secret", "settings", "timeline", "verdict", "vocabulary"),
    },
    "reloading": {"settings", "timeline"},
    "discovery": {"net", "secret", "settings"},
    "advisories": {
        *("exchange", "faults.taxonomy", "model", "protocols.http.status", "verdict", "vocabulary"),
    },
    "alerting": {"model"},
    "workers": {
        *("faults.taxonomy", "model", "schedule", "secret", "settings.settings", "storage", "timeline", "verdict"),
        "vocabulary",
    },
    "simulator": set(),
}

# Rooms that compute and never touch the network, the clock or another library.
PURE = {"protocols", "clients", "blame", "detect"}
READERS = {"defusedxml"}
"""Libraries that only read what they are given: what XML may do to who parses it is not for us to find out."""


def room_of(path: Path) -> str:
    """Return the first part of a module's name within the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Give the full name of every module a tree imports, wherever the statement stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError("relative imports hide where they lead")
            yield from (_narrowed(node.module or "", alias.name) for alias in node.names)


def _narrowed(module: str, name: str) -> str:
    """`from prober.faults import taxonomy` imports a module of the package, not the package."""
    path = ROOT / Path(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else module


def breaches(room: str, tree: ast.AST) -> list[str]:
    """Return every import with which a module of `room` breaks through a wall."""
    return [name for name in imports(tree) if not _permitted(room, name)]


def _permitted(room: str, name: str) -> bool:
    first, _, inner = name.partition(".")
    if name == "prober":
        return True  # it holds the version and nothing else
    if first == "prober":
        allowed = {room, *MAY_IMPORT[room]}
        return any(inner == door or inner.startswith(f"{door}.") for door in allowed)
    known = first in sys.stdlib_module_names or (room == "protocols" and first in READERS)
    return room not in PURE or (known and first not in OUTSIDE_WORLD)


WALLED = sorted(path for path in PACKAGE.rglob("*.py") if room_of(path) not in COMPOSERS)


@pytest.mark.parametrize("path", WALLED, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_keeps_within_its_walls(path: Path) -> None:
    """It imports nothing its room may not."""
    assert breaches(room_of(path), ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("room", "statement"),
    [
        ("protocols", "import time"),
        ("protocols", "from asyncio import timeout"),
        ("protocols", "import httpx"),
        ("protocols", "from prober.faults import classify"),
        ("clients", "import ssl"),
        ("clients", "import defusedxml.ElementTree"),
        ("clients", "from prober.net.network import Network"),
        ("net", "from prober.transaction import Token"),
        ("observe", "from prober import net"),
        ("detect", "from prober.model import Outcome"),
        ("detect", "import time"),
        ("advisories", "from prober.net.transport import HttpTransport"),
        ("advisories", "from prober.observe.metrics import Metrics"),
        ("advisories", "from prober.protocols.http import diagnostics"),
        ("schedule", "from prober.advisories.onsets import Onsets"),
        ("observe", "from prober.clients import catalogue"),
        ("observe", "from prober.serving.guard import Guard"),
        ("serving", "from prober.net.network import Network"),
        ("history", "from prober.storage.store import Store"),
        ("history", "from prober.exchange import Call"),
        ("settings", "from prober.net import network"),
        ("model", "from prober.exchange import Call"),
        ("faults", "def late():\n    from prober.model import Target"),
        ("storage", "from prober.app import run"),
        ("simulator", "from prober.vocabulary import Phase"),
        ("simulator", "from prober.protocols.wbxml import codec"),
        ("simulator", "def late():\n    from prober import secret"),
    ],
)
def test_each_wall_stops_a_breach(room: str, statement: str) -> None:
    """Also inside a function, and whichever way it is spelt."""
    assert breaches(room, ast.parse(statement)) != []


def knows_the_tenant(room: str, tree: ast.AST) -> bool:
    """Whether a module of `room` imports the simulated tenant although it may not."""
    if room in BOTH_SIDES | {"simulator"}:
        return False
    return any(name == "prober.simulator" or name.startswith("prober.simulator.") for name in imports(tree))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_prober_does_not_know_the_tenant_it_rehearses_against(path: Path) -> None:
    """Composers included: only who introduces the two sides to each other imports both."""
    assert not knows_the_tenant(room_of(path), ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("room", "statement"),
    [
        ("app", "from prober.simulator.tenant import Tenant"),
        ("assembly", "import prober.simulator"),
        ("clients", "from prober.simulator import wire"),
        ("schedule", "def late():\n    from prober.simulator.faults.weather import Weather"),
    ],
)
def test_the_wall_before_the_tenant_stops_a_breach(room: str, statement: str) -> None:
    """By whatever door."""
    assert knows_the_tenant(room, ast.parse(statement))


@pytest.mark.parametrize("room", ["cli", "rehearsal", "simulator"])
def test_the_door_to_the_tenant_is_open_to_those_who_introduce_it(room: str) -> None:
    """And to itself."""
    assert not knows_the_tenant(room, ast.parse("from prober.simulator.tenant import Tenant"))


@pytest.mark.parametrize(
    ("room", "statement"),
    [
        ("protocols", "import re"),
        ("protocols", "from prober.faults import taxonomy"),
        ("clients", "from prober.protocols.imap.session import open_session"),
        ("settings", "from prober.net import route"),
        ("net", "import asyncio, httpx"),
        ("simulator", "from prober.simulator.wire import Host"),
    ],
)
def test_each_door_is_open(room: str, statement: str) -> None:
    """A wall that stops everything would prove nothing."""
    assert breaches(room, ast.parse(statement)) == []
