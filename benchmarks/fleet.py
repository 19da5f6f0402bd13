"""A whole prober with many assignments that touches no network, and attempts as its clients would have made them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from prober.app import Service
from prober.clients import catalogue
from prober.faults.taxonomy import NO_ANSWER, Fault, Kind
from prober.model import Assignment, Certificate, Outcome, StepResult
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.vocabulary import Phase

CLIENTS = ("activesync", "imap4", "outlook_desktop", "outlook_mac_legacy", "owa")
HEAD = """
credentials: {{user: {{type: basic, username: probe@corp.example, password_file: {password}}}}}
detector: {{second_looks: false}}
targets:
"""
TARGET = """
  - name: mailbox-{number:05}
    environment: exchange_server
    host: mail.corp.example
    mailbox: probe{number}@corp.example
    clients:
"""
CLIENT = "      - {{client: {client}, credential: user}}\n"
STARTED = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
CERTIFICATE = Certificate(2, 1_800_000_000.0, "x" * 64, verified=True)


def settings_of(folder: Path, count: int) -> Settings:
    """Return a configuration of `count` assignments, at 60 s each, and its control, written into `folder`."""
    clients = "".join(CLIENT.format(client=client) for client in CLIENTS)
    targets = "".join(TARGET.format(number=number) + clients for number in range(count // len(CLIENTS)))
    file, password = folder / "fleet.yml", folder / "password"
    password.write_text("correct horse")
    file.write_text(f"{HEAD.format(password=password)}{targets}control: {{urls: [https://www.corp.example/]}}\n")
    return load([file], catalogue())


def service_of(settings: Settings) -> Service:
    """Return a prober that has not begun. Needs a running loop."""
    return Service(settings, catalogue(), Store.open(None))


def outcome(assignment: Assignment, kind: Kind | None = None) -> Outcome:
    """Return an attempt with every step that is due, each with all six phases; the last one fails with `kind`."""
    names = [step.name for step in catalogue()[assignment.client].plan(assignment)]
    phases = MappingProxyType(dict.fromkeys(Phase, 0.012345))
    fault = None if kind is None else Fault(kind, MappingProxyType({"status": "503"}), Phase.WAIT)
    results = tuple(
        StepResult(name, 0.0987, phases, fault if name == names[-1] else None, certificate=CERTIFICATE)
        for name in names
    )
    return Outcome(assignment.client, assignment.target.name, STARTED, 0.0987 * len(names), results)


def first_round(settings: Settings) -> Iterator[tuple[Assignment, Outcome]]:
    """Give one success and one failure of every assignment: every metric has its series then."""
    for one in settings.assignments:
        yield one, outcome(one)
        yield one, outcome(one, NO_ANSWER)
