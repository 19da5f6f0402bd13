"""Which notice may be about what was seen here: a score by service, words and time, made anew at every look.

Rule of this file: a match is a possible one, for people to judge. Nothing is decided by it: no verdict, no alert.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from prober.advisories.issue import Issue
from prober.advisories.onsets import Episode
from prober.advisories.words import ALL_CLIENTS, CLIENTS, region_words, says

SERVICE, CLIENT, REGION, TIME = 1, 2, 1, 1
"""What each sign is worth."""
ENOUGH = 3
"""The score from which on a match is possible."""
EARLIER = 2 * 3600.0
"""Seconds by which a notice's window is widened: trouble is seen before the start that is written down."""
RECENT = 24 * 3600.0
"""Seconds for which closed notices and ended episodes are still compared."""


@dataclass(frozen=True, slots=True)
class Match:
    """A notice that may be about the trouble of one client, which began at `onset` (seconds since the epoch).

    `signs` are what speaks for it, out of `service`, `client`, `region` and `time`.
    """

    issue: str
    service: str
    client: str
    onset: float
    score: int
    signs: tuple[str, ...]


def kept(issue: Issue, services: Collection[str], now: float) -> bool:
    """Whether a notice is of one of `services` and open, or closed within the last 24 hours."""
    if not _watched(issue, services):
        return False
    return issue.closed is None or now - issue.closed < RECENT


def named_clients(issue: Issue, clients: Iterable[str]) -> frozenset[str]:
    """Return which of `clients` the title, impact or feature of a notice names."""
    text = f"{issue.title}\n{issue.impact}\n{issue.feature}"
    if says(text, ALL_CLIENTS):
        return frozenset(clients)
    return frozenset(client for client in clients if says(text, CLIENTS.get(client, ())))


def matches(
    issues: Iterable[Issue], episodes: Iterable[Episode], services: Collection[str], now: float
) -> tuple[Match, ...]:
    """Return every possible match, one per notice and client: the earliest onset and the best score found for it."""
    seen = tuple(episodes)
    found: dict[tuple[str, str], Match] = {}
    for issue in issues:
        for episode in seen:
            match = compared(issue, episode, services, now)
            if match is not None:
                key = (issue.id, episode.client)
                found[key] = _united(found.get(key), match)
    return tuple(found.values())


def compared(issue: Issue, episode: Episode, services: Collection[str], now: float) -> Match | None:
    """Return the match of one notice and one episode, where the score suffices."""
    at_once = overlapping(issue, episode, now)
    if not at_once and now - episode.latest > RECENT:
        return None
    names = named_clients(issue, (episode.client,))
    worth = {
        "service": SERVICE * _watched(issue, services),
        "client": CLIENT * bool(names),
        "region": REGION * says(issue.scope(), frozenset().union(*map(region_words, episode.regions))),
        "time": TIME * at_once,
    }
    score = sum(worth.values())
    if score < ENOUGH:
        return None
    signs = tuple(sign for sign, points in worth.items() if points)
    return Match(issue.id, issue.service, episode.client, episode.began, score, signs)


def overlapping(issue: Issue, episode: Episode, now: float) -> bool:
    """Whether an episode and a notice's widened window share a moment. Without a start, its first message is it."""
    begins = issue.started or issue.first_post or issue.modified or now
    ends = now if issue.closed is None else max(issue.closed, begins)
    return begins - EARLIER <= episode.latest and episode.began <= ends


def _watched(issue: Issue, services: Collection[str]) -> bool:
    return issue.service.casefold() in {service.casefold() for service in services}


def _united(known: Match | None, match: Match) -> Match:
    if known is None:
        return match
    best = max(known, match, key=lambda one: one.score)
    return Match(best.issue, best.service, best.client, min(known.onset, match.onset), best.score, best.signs)
