"""What a prober and its workers tell each other beyond single events: the share, how it stands, what an attempt showed.

Rule of this file: everything here is plain data, fit to be sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from prober.model import Outcome
from prober.schedule.channels import ChannelState
from prober.schedule.governor import HeldBack
from prober.settings.settings import Settings

WISHES = "governor"
"""The section in which servers' wishes for quiet are kept: they speak of applications and hosts, and bind everybody."""


@dataclass(frozen=True, slots=True)
class Share:
    """All that a worker begins with: settings that hold its own assignments only, and the state that goes with them.

    `distrusted` gives, by target of a control, until when (monotonic, seconds) its way out is distrusted; `grace` is
    the longest time for attempts to end once this process has lost the one that started it; `log` a level's number.
    """

    settings: Settings
    installation: str
    sections: Mapping[str, Mapping[str, str]]
    distrusted: Mapping[str, float]
    grace: float
    log: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker stands.

    Who is held back by key, how many scopes want quiet by kind, what is used of each budget, how push channels fare;
    `cpu` and `memory` are what the process has used in seconds, and holds in bytes.
    """

    held: Mapping[str, HeldBack] = field(default_factory=dict)
    quiet: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[ChannelState, ...] = ()
    cpu: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What passed in an attempt, as far as it may be shown: a `Recording` that holds nothing else any more."""

    shown: tuple[str, ...]
    ids: Mapping[str, Sequence[str]]
    names: Mapping[str, Sequence[str]]

    def lines(self) -> Sequence[str]:
        """Return what was said and heard, line by line."""
        return self.shown

    def request_ids(self) -> Mapping[str, Sequence[str]]:
        """Return ids of requests, by header field."""
        return self.ids

    def servers(self) -> Mapping[str, Sequence[str]]:
        """Return names of servers, by header field."""
        return self.names


def sendable(outcome: Outcome) -> Outcome:
    """Return `outcome` with what was taken down beside it read, and the rest of it forgotten."""
    aside = outcome.aside
    if aside is None or aside.recording is None:
        return outcome
    taken = aside.recording
    recorded = Recorded(tuple(taken.lines()), taken.request_ids(), taken.servers())
    return replace(outcome, aside=replace(aside, recording=recorded))
