"""The records that pass between the rooms: frozen, so that nothing can change what an attempt measured.

Results and outcomes, which every attempt makes, are so for mypy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Any, Final, Protocol

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


@dataclass(init=False)
class Outcome:
    """One finished transaction as it was observed; what it means is a `Judgement`. Seconds throughout.

    What everybody asks who hears of it is found once: `failure` is the step that broke, if one did, `fault` what ended
    the transaction; `certificate_ends` is the earliest end of a server's certificate that was shown, in epoch seconds,
    infinity where none was.
    """

    __slots__ = (
        *("client", "target", "started_at", "duration", "results", "skipped", "aside"),
        *("failure", "fault", "certificate_ends"),
    )
    client: Final[str]
    target: Final[str]
    started_at: Final[datetime]
    duration: Final[float]
    results: Final[tuple[StepResult, ...]]
    skipped: Final[tuple[str, ...]]
    aside: Final[Aside | None]

    def __init__(
        self,
        client: str,
        target: str,
        started_at: datetime,
        duration: float,
        results: tuple[StepResult, ...],
        skipped: tuple[str, ...] = (),
        aside: Aside | None = None,
    ) -> None:
        broken: StepResult | None = None
        ends = inf
        for result in results:
            if result.fault is not None and broken is None:
                broken = result
            shown = result.certificate
            if shown is not None and shown.not_after < ends:
                ends = shown.not_after
        self.client = client
        self.target = target
        self.started_at = started_at
        self.duration = duration
        self.results = results
        self.skipped = skipped
        self.aside = aside
        self.failure: Final = broken
        self.fault: Final = None if broken is None else broken.fault
        self.certificate_ends: Final = ends
