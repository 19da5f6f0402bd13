"""A sink that keeps what is to be blamed up to date, environment by environment.

Rule of this file: one environment never blames another, and an old verdict is no verdict.
"""

from collections.abc import Callable, Iterable

from prober.blame.evidence import Colour, read
from prober.blame.solver import Finding, Solving, solving, whole
from prober.blame.window import Window
from prober.model import Assignment, Outcome
from prober.verdict import Judgement
from prober.vocabulary import Domain, Environment

Show = Callable[[Environment, Domain, bool], None]
"""Told of every domain of an environment whether it is to be blamed."""


class Blame:
    """Hears of finished attempts. `wall` gives epoch seconds.

    `later` is called when there is something new to `look` into soon; without it that is done on the spot.
    """

    def __init__(self, assignments: Iterable[Assignment], show: Show, *, wall: Callable[[], float]) -> None:
        listed = tuple(assignments)
        self._window = Window(listed)
        self._show = show
        self._wall = wall
        self._blamed: dict[Environment, set[Domain]] = {}
        self._shown_since: set[Environment] = set()
        self.later: Callable[[], None] | None = None
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
        self._shown_since.update(before)
        for environment in self.environments:
            self._tell(environment)

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take in one attempt."""
        record = read(assignment, outcome, judgement, self._wall())
        if record is None:
            return
        self._window.add(record)
        if record.colour is Colour.GREEN:
            return
        # What turns green, or is blamed already, may wait for the next tick: an outage must not cost a solution each.
        known = record.domain in self._blamed.get(record.environment, ())
        if not known and record.environment in self.environments:
            if self.later is not None:
                self.later()
            else:
                self._tell(record.environment)

    def findings(self, environment: Environment) -> tuple[Finding, ...]:
        """Return whom to blame in `environment` at this moment."""
        return whole(solving(self._window.picture(self._wall()).of(environment)))

    def tick(self) -> None:
        """Let what is old fall away."""
        whole(self.look())

    def look(self) -> Solving[None]:
        """Do as `tick`, in small steps: by what is known at the first of them, whatever is heard between them.

        What was shown meanwhile of an environment is by newer knowledge, and stays.
        """
        self._shown_since.clear()
        picture = self._window.picture(self._wall())
        for environment in self.environments:
            found = yield from solving(picture.of(environment))
            if environment not in self._shown_since:
                self._shows(environment, found)

    def _tell(self, environment: Environment) -> None:
        self._shown_since.add(environment)
        self._shows(environment, self.findings(environment))

    def _shows(self, environment: Environment, found: Iterable[Finding]) -> None:
        blamed = self._blamed[environment] = {finding.domain for finding in found}
        for domain in Domain:
            self._show(environment, domain, domain in blamed)


def _environments(assignments: Iterable[Assignment]) -> tuple[Environment, ...]:
    kinds = dict.fromkeys(one.target.environment for one in assignments)
    return tuple(one for one in kinds if one is not Environment.INDEPENDENT)
