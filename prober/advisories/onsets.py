"""When trouble began as it was seen here: episodes of counted failures, by client.

Rule of this file: pure. Times come with what is noted (seconds since the epoch); nothing here knows a clock, and
nothing that is noted here goes back to whoever noted it.
"""

import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from prober.model import Assignment, Outcome
from prober.verdict import Judgement
from prober.vocabulary import Environment, Verdict

FOLLOWED_WITHIN = 3600.0
"""Seconds within which a second failure must follow, so that the first was not one of a healthy day's."""
QUIET = 3 * 3600.0
"""Seconds without a failure after which an episode is over: intermittent incidents pause for an hour or two."""
KEPT = 30 * 86_400.0
"""Seconds for which an episode is remembered: notices have come sixteen days after what they speak of."""
MOST = 50
"""Episodes remembered of one client."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One run of failures of a client: from the first to the latest, and the regions of the targets that failed."""

    client: str
    began: float
    latest: float
    failures: int = 1
    regions: frozenset[str] = frozenset()

    def over(self, now: float) -> bool:
        """Whether it has been quiet for long enough."""
        return now - self.latest > QUIET

    def joined(self, at: float, region: str) -> "Episode":
        """Return the episode with one more failure."""
        regions = self.regions | {region} if region else self.regions
        began, latest = min(self.began, at), max(self.latest, at)
        return replace(self, began=began, latest=latest, failures=self.failures + 1, regions=regions)


class Onsets:
    """A sink that notes the counted failures of clients in Exchange Online, which is what notices are about.

    `memory` survives a restart: by client, its episodes. What is not understood in it is forgotten.
    """

    def __init__(self, memory: MutableMapping[str, str] | None = None) -> None:
        self._memory: MutableMapping[str, str] = {} if memory is None else memory
        self._alone: dict[str, Episode] = {}
        self._episodes = {client: _remembered(client, text) for client, text in self._memory.items()}

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Note one finished attempt."""
        online = assignment.target.environment is Environment.EXCHANGE_ONLINE
        if online and judgement.verdict is Verdict.FAILED:
            self.note(assignment.client, assignment.target.region, outcome.started_at.timestamp() + outcome.duration)

    def note(self, client: str, region: str, at: float) -> None:
        """Note one failure, seen at `at`."""
        known = self._episodes.setdefault(client, [])
        if known and not known[-1].over(at):
            known[-1] = known[-1].joined(at, region)
        elif (alone := self._alone.pop(client, None)) and abs(at - alone.latest) <= FOLLOWED_WITHIN:
            known.append(alone.joined(at, region))
        else:
            self._alone[client] = Episode(client, at, at, regions=frozenset({region} if region else ()))
            return
        known[:] = [one for one in known if at - one.latest <= KEPT][-MOST:]
        self._memory[client] = json.dumps([asdict(one) | {"regions": sorted(one.regions)} for one in known])

    def episodes(self, now: float) -> tuple[Episode, ...]:
        """Return the episodes that are remembered, by client and in order."""
        return tuple(
            one for client in sorted(self._episodes) for one in self._episodes[client] if now - one.latest <= KEPT
        )


def _remembered(client: str, text: str) -> list[Episode]:
    try:
        return [_episode(client, one) for one in json.loads(text)]
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return []


def _episode(client: str, one: Mapping[str, Any]) -> Episode:
    regions: Iterable[Any] = one["regions"]
    return Episode(
        client, float(one["began"]), float(one["latest"]), int(one["failures"]), frozenset(map(str, regions))
    )
