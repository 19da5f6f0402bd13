"""Finished attempts made by hand, on a clock that is set by hand."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from prober.clients import catalogue
from prober.detect.detector import Policy
from prober.detection import Detection, sources
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Assignment, Outcome, StepResult, Target
from prober.rehearsal.expectation import Played
from prober.rehearsal.groups import Groups
from prober.rehearsal.ledger import Ledger, Touch
from prober.rehearsal.probing import Unshown
from prober.verdict import Judgement
from prober.vocabulary import Depth, Environment, Verdict

STEPS: Mapping[str, float | None] = {"discover": 1.0, "token_request": 2.0, "folder_sync": 3.0}


def assignment(client: str = "imap4", target: str = "ams1-1", region: str = "eu") -> Assignment:
    where = Target(target, Environment.EXCHANGE_ONLINE, f"{target}@contoso.example", region=region)
    return Assignment(client, where, Depth.MAILBOX, 60.0, 60.0)


def outcome(one: Assignment, reason: Reason | None = None, steps: Mapping[str, float | None] | None = None) -> Outcome:
    """Return an outcome of `steps` (name and seconds), the last one broken if a reason is given."""
    rows = list((steps or STEPS).items())
    fault = Fault(Kind(f"made_{reason}", reason)) if reason else None
    results = tuple(
        StepResult(name, took, fault=fault if number == len(rows) else None)
        for number, (name, took) in enumerate(rows, start=1)
    )
    took = sum(seconds or 0.0 for _, seconds in rows)
    return Outcome(one.client, one.target.name, datetime.fromtimestamp(0, UTC), took, results)


def everybody() -> list[Assignment]:
    """Return who may take part in a scene: two clients in two regions, and the control."""
    places = [("ams1-1", "eu"), ("lon1-1", "uk")]
    found = [assignment(client, target, region) for client in ("imap4", "activesync") for target, region in places]
    where = Target("control", Environment.INDEPENDENT)
    return [*found, Assignment("control", where, Depth.REACH, 60.0, 60.0)]


class Scene:
    """Records attempts as a drill does."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ledger = Ledger(lambda: self.now)
        self.groups = Groups(lambda: self.now)
        watched = sources(everybody(), catalogue(), "here")
        self.detection = Detection(watched, Policy(), {}, Unshown(), wall=lambda: self.now, hear=self.groups.hear)
        self.touches: list[Touch] = []

    def finish(
        self, one: Assignment, verdict: Verdict = Verdict.OK, reason: Reason | None = None, after: float = 0.0
    ) -> None:
        """Have an attempt end `after` seconds from now."""
        self.now += after
        judgement = Judgement(verdict, reason)
        for sink in (self.ledger, self.detection):
            sink(one, outcome(one, reason), judgement)

    def minutes(
        self, count: int, ones: Iterable[Assignment], verdict: Verdict = Verdict.OK, reason: Reason | None = None
    ) -> "Scene":
        """Have every one of `ones` finish ten times a minute, for so many minutes."""
        listed = list(ones)
        for _ in range(count * 10):
            self.now += 6.0
            for one in listed:
                self.finish(one, verdict, reason)
        return self

    def played(self, onset: float = 0.0, clients: tuple[str, ...] = ("imap4", "activesync")) -> Played:
        site_of = {one.assignment.target.name: one.assignment.target.name[:-2] for one in self.ledger.entries}
        return Played(clients, self.ledger, self.groups, onset, tuple(self.touches), site_of.__getitem__)
