"""Failures as they come to the history."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.model import Aside, Fact, Outcome
from prober.verdict import Judgement, judge
from prober.vocabulary import Phase
from tests.observe.made import WORKED, outcome

AADSTS: dict[str, str] = {
    "aadsts": "50053",
    "trace_id": "0000aaaa-11bb-cccc-dd22-eeeeee333333",
    "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
    "timestamp": "2026-11-23 12:00:01Z",
    "password": "canary-password",
}
FACTS: dict[str, Fact] = {
    "resolved": "192.0.2.1 192.0.2.2",
    "address": "192.0.2.2",
    "request_id": "r-1",
    "client_request_id": "c-9",
    "front_end": "AMS",
    "folder": "canary@corp.example",
}
PROBER: Mapping[str, Fact] = MappingProxyType(
    {"loop_lag_seconds": 0.0, "late_seconds": 0.0, "sickness": "none", "control": "well"}
)


class Told:
    """A recording, as its reader sees it."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines
        self.read = 0

    def lines(self) -> Sequence[str]:
        self.read += 1
        return self._lines

    def request_ids(self) -> Mapping[str, Sequence[str]]:
        return {"request-id": ("r-1", "r-2")}

    def servers(self) -> Mapping[str, Sequence[str]]:
        return {"x-feserver": ("AM0PR01CA0001",)}


def failed(
    kind: Kind = kinds.NO_ANSWER, told: Told | None = None, *, evidence: dict[str, str] | None = None
) -> tuple[Outcome, Judgement]:
    """An attempt whose second step fails, with all that is known beside it."""
    made = outcome(kind, evidence=evidence, facts=FACTS, phase=Phase.WAIT)
    made = replace(made, aside=Aside(told or Told("  1.0 > A1 LOGIN ***"), PROBER))
    return made, judge(made, WORKED)
