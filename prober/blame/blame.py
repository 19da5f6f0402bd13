"""A sink that keeps what is to be blamed up to date, environment by environment.

Rule of this file: one environment never blames another, and an old verdict is no verdict.
"""

from collections.abc import Callable, Iterable

from prober.blame.evidence import Colour, read
from prober.blame.solver import Finding, solve
from prober.blame.window import Window
from prober.model import Assignment, Outcome
from prober.verdict import Judgement
from prober.vocabulary import Domain, Environment

Show = Callable[[Environment, Domain, bool], None]
"""Told of every domain of an environment whether it is to be blamed."""


class Blame:
    """Hears of finished attempts. `wall` gives epoch seconds."""

    def __init__(self, assignments: Iterable[Assignment], show: Show, *, wall: Callable[[], float]) -> None:
        listed = tuple(assignments)
        self._window = Window(listed)
        self._show = show
        self._wall = wall
        self._blamed: dict[Environment, set[Domain]] = {}
        self.environments = _environments(listed)
        self.tick()

    def replace(self, assignments: Iterable[Assignment]) -> None:
        """Judge by these assignments from now on; an environment that is gone blames nobody any more."""
        listed = tuple(assignments)
        self._window.replace(listed)
        before, self.environments = self.environments, _environments(listed)
        for environment in before:
            for domain in self._blamed.pop(environment, ()):
                self._show(environment, domain, False)  # noqa: FBT003 - a gauge's value
        self.tick()

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take in one attempt."""
        record = read(assignment, outcome, judgement, self._wall())
        if record is None:
            return
        self._window.add(record)
        # What turns green, or is blamed already, may wait for the next tick: an outage must not cost a solution each.
        known = record.colour is Colour.GREEN or record.domain in self._blamed.get(record.environment, set())
        if not known and record.environment in self.environments:
            self._tell(record.environment)

    def findings(self, environment: Environment) -> tuple[Finding, ...]:
        """Return whom to blame in `environment` at this moment."""
        return solve(self._window.of(environment, self._wall()))

    def tick(self) -> None:
        """Let what is old fall away."""
        for environment in self.environments:
            self._tell(environment)

    def _tell(self, environment: Environment) -> None:
        blamed = self._blamed[environment] = {finding.domain for finding in self.findings(environment)}
        for domain in Domain:
            self._show(environment, domain, domain in blamed)


def _environments(assignments: Iterable[Assignment]) -> tuple[Environment, ...]:
    kinds = dict.fromkeys(one.target.environment for one in assignments)
    return tuple(one for one in kinds if one is not Environment.INDEPENDENT)
