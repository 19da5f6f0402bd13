"""The records that pass between the rooms: frozen, so that nothing can change what an attempt measured.

Results and outcomes, which every attempt makes, are so for mypy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Any, Protocol

from prober.faults.taxonomy import Fault
from prober.record import record
from prober.vocabulary import Depth, Environment, Phase

Fact = str | int | float | bool
NONE: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Target:
    """One mailbox (or, without one, one front door) behind one set of endpoints.

    `endpoints` maps a client's endpoint name (`activesync`, `imap4`, `autodiscover`, `token`, …) to a URL text.
    `mailbox` is an SMTP address and never leaves the prober. `canary` is the marker in the subject of an item that
    every client of the mailbox must see.
    """

    name: str
    environment: Environment
    mailbox: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    region: str = ""
    family: str = ""
    established: bool = False
    canary: str | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"Target({self.name!r})"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One client on one target: a row of the plan. Times are in seconds.

    `push_credential` signs in to a push channel of another protocol than the client's own; without one, `credential`.
    """

    client: str
    target: Target
    depth: Depth
    interval: float
    timeout: float
    credential: str | None = None
    credential_kind: str = ""
    objective: float | None = None
    steps: frozenset[str] = frozenset()
    options: Any = None
    push: "PushSettings | None" = None
    push_credential: str | None = None
    key: str = field(init=False, compare=False, repr=False)
    """Name of this assignment in state files and in the schedule's hash: stable over restarts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.client}/{self.target.name}")  # made once: every sink asks for it


@dataclass(frozen=True, slots=True)
class PushSettings:
    """How a held push channel is kept: seconds of one hold, and of the whole session before it is renewed.

    `marker`: seconds between marker messages that the channel has to tell of; 0 for none.
    """

    hold: float = 480.0
    life: float = 3600.0
    marker: float = 0.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the peer's certificate says, read also when verification failed. Times are seconds since the epoch."""

    not_before: float
    not_after: float
    sha256: str
    verified: bool


@record
class StepResult:
    """One step: seconds in all (`None`: nothing was measured, see `facts`) and per phase that happened."""

    step: str
    elapsed: float | None
    phases: Mapping[Phase, float] = field(default_factory=lambda: NONE)
    fault: Fault | None = None
    facts: Mapping[str, Fact] = field(default_factory=lambda: NONE)
    certificate: Certificate | None = None


class Recording(Protocol):
    """What passed in one transaction. What it gives out is fit to be shown; itself it holds what is not."""

    def lines(self) -> Sequence[str]:
        """Return what was said and heard, line by line."""

    def request_ids(self) -> Mapping[str, Sequence[str]]:
        """Return ids of requests, by header field."""

    def servers(self) -> Mapping[str, Sequence[str]]:
        """Return names of servers, by header field."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is known beside a transaction that failed: what passed, and how the prober was, by name."""

    recording: Recording | None = field(default=None, repr=False)
    prober: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))


@record
class Outcome:
    """One finished transaction as it was observed; what it means is a `Judgement`. Seconds throughout."""

    client: str
    target: str
    started_at: datetime
    duration: float
    results: tuple[StepResult, ...]
    skipped: tuple[str, ...] = ()
    aside: Aside | None = field(default=None, compare=False, repr=False)
    failure: StepResult | None = field(init=False, compare=False, repr=False)
    """The step that broke, if one did."""
    fault: Fault | None = field(init=False, compare=False, repr=False)
    """The fault that ended the transaction, if one did."""
    certificate_ends: float = field(init=False, compare=False, repr=False)
    """The earliest end of a server's certificate that was shown, in epoch seconds; infinity where none was."""

    def __post_init__(self) -> None:
        """Find once, in one pass, what everybody asks who hears of an attempt."""
        broken: StepResult | None = None
        ends = inf
        for result in self.results:
            if result.fault is not None and broken is None:
                broken = result
            shown = result.certificate
            if shown is not None and shown.not_after < ends:
                ends = shown.not_after
        object.__setattr__(self, "failure", broken)
        object.__setattr__(self, "fault", None if broken is None else broken.fault)
        object.__setattr__(self, "certificate_ends", ends)
