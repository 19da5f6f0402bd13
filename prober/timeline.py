"""The only clock reader while a transaction runs: whole steps through `attempt`, phases through `net/`."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prober.model import Certificate, Fact
from prober.vocabulary import Phase

Clock = Callable[[], float]


class Timeline:
    """Seconds spent per phase since the last `restart`, and which phase is under way.

    Phases add up within a step (two requests in one step: two `wait`s in one sum). `interrupted` names the phase that
    was running when an exception flew past; it stays until `restart`. `current` is the one under way now.
    """

    __slots__ = ("certificate", "clock", "current", "facts", "interrupted", "spent")

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.spent: dict[Phase, float] = {}
        self.interrupted: Phase | None = None
        self.current: Phase | None = None
        self.facts: dict[str, Fact] = {}
        self.certificate: Certificate | None = None

    def restart(self) -> None:
        """Forget the last step."""
        self.spent = {}
        self.interrupted = None
        self.current = None
        self.facts = {}
        self.certificate = None

    def add(self, phase: Phase, seconds: float) -> None:
        """Add measured time to `phase`."""
        self.spent[phase] = self.spent.get(phase, 0.0) + seconds

    def spend(self, phase: Phase, started: float, ended: float) -> None:
        """Add what `phase` took between two readings of the clock, never less than nothing; it is over then."""
        spent = self.spent
        took = ended - started if ended > started else 0.0
        spent[phase] = spent[phase] + took if phase in spent else took
        self.current = None

    def note(self, **facts: Fact) -> None:
        """Keep facts for the status page and the evidence; they never become labels."""
        self.facts.update(facts)

    def adopt(self, spent: Mapping[Phase, float]) -> None:
        """Add phases that were measured on another timeline (a token fetched once for several waiters)."""
        for phase, seconds in spent.items():
            self.add(phase, seconds)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Measure one phase; an exception that leaves it marks it as interrupted."""
        started = self.clock()
        self.current = phase
        try:
            yield
        except BaseException:
            self.interrupted = phase
            raise
        finally:
            self.current = None
            self.add(phase, self.clock() - started)
