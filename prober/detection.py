"""Introduces the detector to the prober: sources from assignments, samples from attempts and push sessions.

Rule of this file: what does not count for availability is no evidence about it, and nobody here decides what is.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, Protocol

from prober.detect.detector import Detector, Policy, What
from prober.detect.explain import sentence
from prober.detect.group import Group, State, Transition
from prober.detect.groups import Source
from prober.faults.taxonomy import Counting, Reason
from prober.model import Assignment, Outcome
from prober.schedule.channels import PushWatch
from prober.timeline import Clock
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import Verdict

LOG = logging.getLogger(__name__)
RESULTS: Mapping[Verdict, What] = MappingProxyType(
    {
        Verdict.OK: What.OK,
        Verdict.SLOW: What.OK,
        Verdict.FAILED: What.FAILED,
        Verdict.THROTTLED: What.THROTTLED,
    }
)
PIECES = 64
"""Pieces of what is saved that are made in one turn of the loop: within a millisecond."""
TOGETHER = 128
"""Groups for which time passes in one turn of the loop: within a millisecond, too."""
TROUBLE = 16
"""As many of them, at least, take the time of one whose failure rate has to be shown with its limits."""


class GroupWatch(Protocol):
    """Who is told how the groups are."""

    def show(self, groups: Iterable[Group]) -> None:
        """These groups have heard of an attempt; not told of a success that changed nothing but their evidence."""

    def show_all(self, detector: Detector) -> None:
        """Another detector watches from now on."""

    def show_whole(self, groups: Collection[Group]) -> None:
        """Time has passed for these groups."""

    def show_rest(self, detector: Detector) -> None:
        """Time has passed for all of them."""


class Detection:
    """A sink that feeds the detector. `again` is told of every attempt after which a second look may be due.

    `section` keeps what the detector knows over restarts; `wall` gives epoch seconds.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        policy: Policy,
        section: MutableMapping[str, str],
        watch: GroupWatch,
        *,
        wall: Clock,
        again: Callable[[Assignment], None] | None = None,
        hear: Callable[[Transition], None] | None = None,
    ) -> None:
        self._hear = hear
        self._sources = sources
        self.detector = Detector(sources, policy, self._changed)
        self.again = again
        self._section = section
        self._watch = watch
        self._wall = wall
        self.detector.load(section)
        watch.show_all(self.detector)

    def prepared(self, sources: Mapping[str, Source], policy: Policy) -> Detector | None:
        """Return a detector of other sources, or by another policy, that knows nothing yet; `None` for the same.

        May run in a thread.
        """
        if (sources, policy) == (self._sources, self.detector.policy):
            return None
        return Detector(sources, policy, self._changed)

    def replace(self, renewed: Detector, sources: Mapping[str, Source]) -> None:
        """Go on with a detector that was `prepared` for `sources`; what is known of those that stay is known on."""
        known: dict[str, str] = {}
        self.detector.save(known)
        renewed.load(known)
        renewed.go_on(self.detector)
        self._sources, self.detector = sources, renewed
        self._watch.show_all(renewed)

    def __call__(
        self, assignment: Assignment, outcome: Outcome, judgement: Judgement, *, confirm: bool = False
    ) -> None:
        """Take in an attempt. `confirm`: it is a second look."""
        what = RESULTS.get(judgement.verdict)
        if what is None:
            return
        failure = outcome.failure if what is What.FAILED else None
        key, detector = assignment.key, self.detector
        if detector.take(key, self._wall(), what, failure.step if failure else "", confirm=confirm):
            self._watch.show(detector.of(key))
        if self.again is not None:
            self.again(assignment)

    def second_look(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take in a second look."""
        self(assignment, outcome, judgement, confirm=True)

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A held session ended after so long: every hold it lasted was one that went well."""
        hold = assignment.push.hold if assignment.push else seconds
        for _ in range(int(seconds / hold) if hold else 0):
            self.detector.pushed(assignment.key, self._wall(), lost=False)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A held session was lost; that a server asked us to slow down, or a mistake of ours, is no evidence."""
        if reason.counting in (Counting.SERVICE, Counting.AMBIGUOUS):
            self.detector.pushed(assignment.key, self._wall(), lost=True)

    def tick(self) -> None:
        """Notice what only time tells; call it every few seconds."""
        for _ in self.ticking():
            pass

    def ticking(self) -> Iterator[None]:
        """Notice what only time tells, with rests for others to go on; every group is noticed and shown in one piece.

        Ends where another detector takes over: all of that one is shown already.
        """
        detector = self.detector
        for rows in detector.turns(TOGETHER, TROUBLE):
            self._watch.show_whole(detector.tick_some(self._wall(), rows))
            yield
            if self.detector is not detector:
                return
        detector.rest(self._wall())
        self._watch.show_rest(detector)

    def save(self) -> None:
        """Put what the detector knows where it survives a restart."""
        for _ in self.saving():
            pass

    def saving(self) -> Iterator[None]:
        """Put what the detector knows at this moment where it survives a restart, with rests for others to go on.

        Nothing is put there before the last piece is ready: what is restored was true at one moment.
        """
        kept: dict[str, str] = {}
        for count, found in enumerate(self.detector.saving(), 1):
            if found is not None:
                name, text = found
                kept[name] = text
            if count % PIECES == 0:
                yield
        self._section.update(kept)

    def _changed(self, transition: Transition) -> None:
        group, after = transition.group, transition.after
        level = logging.WARNING if after is State.FAILING else logging.INFO
        if State.FAILING in (transition.before, after) or State.RECOVERING in (transition.before, after):
            LOG.log(level, "%s %s: %s", group.kind, group.name, after.name.lower().replace("_", " "))
        if after is State.FAILING:
            LOG.warning("%s", sentence(group, self.detector.policy.budget, transition.at))
        if self._hear is not None:
            self._hear(transition)


class PushNews:
    """Tells two of push channels: whoever counts everything, and the detector of what it cares for."""

    def __init__(self, watch: PushWatch, detection: Detection) -> None:
        self._watch = watch
        self._detection = detection

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A session ended after `seconds`."""
        self._watch.push_session(assignment, seconds)
        self._detection.push_session(assignment, seconds)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A session was lost."""
        self._watch.push_disconnect(assignment, reason)
        self._detection.push_disconnect(assignment, reason)

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""
        self._watch.held_back(assignment)

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around a session failed."""
        self._watch.crashed(assignment)

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        """A push told of a delivery made `seconds` ago."""
        self._watch.notification_latency(assignment, seconds)

    def marker_failed(self, assignment: Assignment) -> None:
        """A marker message was not left, or did not arrive."""
        self._watch.marker_failed(assignment)


def sources(assignments: Iterable[Assignment], catalogue: Mapping[str, Client[Any]], vantage: str) -> dict[str, Source]:
    """Return the sources of a configuration, by `Assignment.key`."""
    return {one.key: _source(one, catalogue[one.client], vantage) for one in assignments}


def _source(one: Assignment, client: Client[Any], vantage: str) -> Source:
    target = one.target
    return Source(
        target.environment,
        one.client,
        vantage,
        one.interval,
        target.region,
        tuple(filter(None, (client.family, target.family))),
        one.push.hold if one.push is not None and client.held is not None else 0.0,
    )
