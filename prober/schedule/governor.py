"""The governor: whether an assignment may start now, whoever asks. It wins over intervals, second looks and channels.

What one of them is told holds for all who share what was meant: an app, a mailbox, a protocol, a device, a credential.

Rule of this file: a wish for quiet is kept to the second, and by nobody broken; what is under way when it is heard is
not interrupted, for a server that is left in mid-sentence has more work, not less.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from math import inf

from prober.faults.taxonomy import Fault, Reason
from prober.model import Assignment
from prober.schedule.budgets import (
    CONNECTIONS,
    DEFAULTS,
    GRAPH_AT_ONCE,
    GRAPH_REQUESTS,
    TOKEN_REQUESTS,
    TRANSACTIONS,
    Budget,
    Budgets,
    Use,
)
from prober.schedule.passwords import Passwords, Trial, proves
from prober.schedule.plan import fraction
from prober.schedule.records import Rest
from prober.schedule.restraint import Restraint
from prober.schedule.scopes import GRAPH, Parties, Scope, spoken_of
from prober.timeline import Clock

FIRST, LONGEST, JITTER = 30.0, 900.0, 0.25
"""Seconds of the first back-off where a server names none, and of the last; the share by which they differ."""
LONGEST_WISH = 86_400.0
"""A server that asks for more than a day is obeyed for a day: its mistake must not silence a probe for ever."""
FORGOTTEN = 7200.0
"""Seconds after its end for which a wish is remembered, so that the next one without a time is a longer one."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A wish for quiet: until when (epoch seconds), why, in whose name, and the how manieth in a row it is."""

    until: float
    code: str
    words: str
    strikes: int = 0


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Who must not start, until when (epoch seconds, `inf`: until somebody changes something), and why in words.

    `parked`: it is more than a quarter of an hour from now, so nobody should wait for it.
    """

    client: str
    target: str
    until: float
    because: str
    parked: bool


class Governor:
    """Decides for every assignment, from what all of them were told and from what they use.

    `section` keeps wishes over restarts, under names that are nobody's address.
    """

    def __init__(
        self,
        restraint: Restraint,
        passwords: Passwords,
        parties: Parties,
        section: MutableMapping[str, str],
        *,
        budgets: Mapping[str, Budget] = DEFAULTS,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._restraint = restraint
        self._passwords = passwords
        self._parties = parties
        self._section = section
        self._clock = clock
        self._wall = wall
        self._standings: dict[str, _Standing] = {}
        self.budgets = Budgets(budgets, clock)
        self._quiet = {key: found for key in section if (found := _read(section[key])) is not None}
        self._added: set[str] = set()

    def configure(self, parties: Parties, budgets: Mapping[str, Budget]) -> None:
        """Go by these from now on; wishes for quiet and what is used stay."""
        self._parties = parties
        self._standings.clear()
        self.budgets.limit(budgets)

    # -- may it start ------------------------------------------------------------------------------------------------

    def holds(self, assignment: Assignment, *, added: bool = False, now: bool = False) -> bool:
        """Whether `assignment` must not start.

        `added`: the prober wants it of its own accord, no configuration does. `now`: its turn has come, and it would
        start at once; then somebody who is just finding out whether its password is accepted stands in its way.
        """
        rests = self._restraint.rest(assignment) is not None
        if rests or (self._quiet and self._wish(assignment) is not None):
            return True
        standing = self._standings.get(assignment.key) or self._standing(assignment)
        for name in standing.passwords:
            if self._passwords.rest(name) is not None or (now and self._passwords.on_trial(name)):
                return True
        return added and not self._room(assignment)

    def until(self, assignment: Assignment) -> float:
        """Return when `assignment` may start again: 0 for now, `inf` for when somebody has changed something."""
        return max((until for until, _ in self._reasons(assignment)), default=0.0)

    def held_back(self, assignment: Assignment) -> HeldBack | None:
        """Return why `assignment` must not start now, in words."""
        reasons = sorted(self._reasons(assignment))
        if not reasons:
            return None
        until, because = reasons[-1]
        parked = until - self._wall() > LONGEST
        return HeldBack(assignment.client, assignment.target.name, until, because, parked)

    def quiet(self, kind: str) -> int:
        """Return how many scopes of a kind want to be left alone at this moment."""
        now = self._wall()
        return sum(one.until > now and key.startswith(f"{kind} ") for key, one in self._quiet.items())

    # -- what it meets with ------------------------------------------------------------------------------------------

    def consider(self, assignment: Assignment, fault: Fault | None) -> None:
        """Learn from how an attempt, a push session's opening or end, or a marker went; `None`: it went well."""
        if fault is None:
            self._well(assignment)
            return
        rejected_before = self._restraint.rejected_at(assignment)
        self._restraint.consider(assignment, fault)
        if fault.reason is Reason.THROTTLED:
            self._throttled(assignment, fault)
        elif fault.reason is Reason.AUTH_REJECTED:
            self._rejected(assignment, fault, rejected_before)

    def _well(self, assignment: Assignment) -> None:
        """A good end: the next wish without a time is a first one again. Nothing under way ends a wish early."""
        if self._quiet:
            now = self._wall()
            for key in self._quiet.keys() & self._parties.keys(assignment):
                if self._quiet[key].until <= now:
                    self._forget(key)
        standing = self._standings.get(assignment.key) or self._standing(assignment)
        if standing.proves is not None:
            self._passwords.accepted(standing.proves)

    def _throttled(self, assignment: Assignment, fault: Fault) -> None:
        now = self._wall()
        for key in [key for key, one in self._quiet.items() if one.until + FORGOTTEN < now]:
            self._forget(key)
        for scope in spoken_of(fault, self._parties.of(assignment)):
            known = self._quiet.get(scope.key)
            self._keep(scope.key, wish(scope, fault, known, now))

    def _rejected(self, assignment: Assignment, fault: Fault, before: float | None) -> None:
        """A rejected password stops all who use it, unless they were let in since the same was said `before`.

        What is refused to one while others are let in is that one's own affair, and rests by itself.
        """
        for name in self._passwords_of(assignment):
            if before is None or not self._passwords.accepted_since(name, before):
                self._passwords.rejected(name, fault)

    def adopt(self, changes: Mapping[str, str | None]) -> None:
        """Keep to wishes that others were told of: by key, as `section` holds them; `None`: forgotten."""
        for key, text in changes.items():
            found = _read(text) if text is not None else None
            if found is not None:
                self._quiet[key] = found
            else:
                self._quiet.pop(key, None)

    # -- what it uses ------------------------------------------------------------------------------------------------

    def trial(self, assignment: Assignment) -> Trial:
        """Return what to sign in within: nobody else shows a password of `assignment` that is not proven."""
        return self._passwords.trial(self._passwords_of(assignment))

    def unproven(self, assignment: Assignment) -> Trial | None:
        """Return what to sign in within, `None` where `assignment` shows no password that is not proven."""
        standing = self._standings.get(assignment.key) or self._standing(assignment)
        names = standing.passwords
        return self._passwords.trial(names) if names and not all(map(self._passwords.proven, names)) else None

    def begin(self, assignment: Assignment, *, added: bool = False) -> tuple[Use, ...]:
        """Count a transaction; return what it uses at once, which is to be given back at its `end`."""
        standing = self._standings.get(assignment.key) or self._standing(assignment)
        standing.transactions.add(1.0, self._clock(), beyond=added)
        for use in standing.at_once:
            use.take(beyond=added)
        if added:
            self._added.add(assignment.key)
        return standing.at_once

    def end(self, assignment: Assignment, at_once: Iterable[Use], *, added: bool = False) -> None:
        """Give back what a transaction used at once."""
        for use in at_once:
            use.give_back(beyond=added)
        if added:
            self._added.discard(assignment.key)

    @asynccontextmanager
    async def connection(self, assignment: Assignment) -> AsyncIterator[None]:
        """Count the connection of a channel while it is held."""
        mailbox = self._parties.of(assignment).mailbox
        self.budgets.use(CONNECTIONS, mailbox)
        try:
            yield
        finally:
            self.budgets.of(CONNECTIONS, mailbox).give_back()

    def meters(self, assignment: Assignment) -> bool:
        """Whether requests of `assignment` are held against a budget."""
        return GRAPH in self._parties.of(assignment).hosts

    def asked(self, assignment: Assignment, host: str) -> None:
        """A request was sent to `host`."""
        party = self._parties.of(assignment)
        if host in party.hosts.get(GRAPH, ()):
            self.budgets.use(GRAPH_REQUESTS, party.mailbox, beyond=assignment.key in self._added)

    def requested(self, credential: str) -> None:
        """A token was asked for."""

    def failed(self, credential: str, reason: Reason) -> None:
        """None was issued."""

    def issued(self, credential: str, expires_at: float) -> None:
        """One was issued."""
        self.budgets.use(TOKEN_REQUESTS, credential)

    def _room(self, assignment: Assignment) -> bool:
        mailbox = self._parties.of(assignment).mailbox
        asks_graph = GRAPH in self._parties.of(assignment).hosts
        if asks_graph and not self.budgets.room(GRAPH_REQUESTS, mailbox):
            return False
        return all(self.budgets.room(budget, member) for budget, member in self._at_once(assignment))

    def _standing(self, assignment: Assignment) -> "_Standing":
        """Find what follows for every attempt of `assignment` from the configuration alone."""
        found = self._standings[assignment.key] = _Standing(
            self._passwords_of(assignment),
            assignment.credential if proves(assignment) else None,
            self.budgets.of(TRANSACTIONS, assignment.key),
            tuple(self.budgets.of(budget, member) for budget, member in self._at_once(assignment)),
        )
        return found

    def _at_once(self, assignment: Assignment) -> Iterator[tuple[Budget, str]]:
        party = self._parties.of(assignment)
        yield CONNECTIONS, party.mailbox
        if GRAPH in party.hosts:
            yield from ((GRAPH_AT_ONCE, app) for app in party.apps)

    # -- why not -----------------------------------------------------------------------------------------------------

    def _passwords_of(self, assignment: Assignment) -> tuple[str, ...]:
        return self._parties.of(assignment).passwords

    def _reasons(self, assignment: Assignment) -> Iterator[tuple[float, str]]:
        own = self._restraint.rest(assignment)
        if own is not None:
            yield _end(own), f"{own.code}: this client at this target rests"
        quiet = self._wish(assignment)
        if quiet is not None:
            yield quiet.until, f"{quiet.code}: the server wants quiet from {quiet.words}"
        for name in self._passwords_of(assignment):
            rest = self._passwords.rest(name)
            if rest is not None:
                yield _end(rest), f"{rest.code}: the password of credential {name} was rejected and is not shown again"

    def _wish(self, assignment: Assignment) -> Quiet | None:
        """Return the wish that holds `assignment` back longest."""
        if not self._quiet:
            return None
        now = self._wall()
        found = (self._quiet[key] for key in self._parties.keys(assignment) if key in self._quiet)
        return max((one for one in found if one.until > now), key=lambda one: one.until, default=None)

    def _keep(self, key: str, quiet: Quiet) -> None:
        self._quiet[key] = quiet
        self._section[key] = json.dumps(asdict(quiet), separators=(",", ":"))

    def _forget(self, key: str) -> None:
        self._quiet.pop(key, None)
        self._section.pop(key, None)


@dataclass(frozen=True, slots=True)
class _Standing:
    """One assignment before the governor: the passwords it shows, which of them a success proves, and what it uses."""

    passwords: tuple[str, ...]
    proves: str | None
    transactions: Use
    at_once: tuple[Use, ...]


def wish(scope: Scope, fault: Fault, known: Quiet | None, now: float) -> Quiet:
    """Return what is wished of `scope` from now on: what the server says, else twice what was kept the last time.

    A second signal within the time of the first, from somebody who was under way, is the same wish; the later end
    holds.
    """
    again = known is not None and known.until > now
    strikes = 0 if known is None else known.strikes if again else known.strikes + 1
    seconds = min(fault.retry_after, LONGEST_WISH) if fault.retry_after else back_off(scope.key, strikes)
    until = max(now + seconds, known.until) if known is not None and again else now + seconds
    return Quiet(until, fault.kind.code, scope.words, strikes)


def back_off(key: str, strikes: int) -> float:
    """Return the seconds of quiet where a server wants some and names none: 30 doubling to 720, and up to a quarter.

    The quarter depends on scope and count, so that those refused together do not return together. For a fraction of
    0.5: 0, 1, 2, 5 strikes give 33.75, 67.5, 135 and 810 s; never more than 900.
    """
    longest = min(FIRST * 2.0 ** min(strikes, 20), LONGEST / (1 + JITTER))
    return longest * (1 + JITTER * fraction(f"{key}/{strikes}"))


def _end(rest: Rest) -> float:
    return inf if rest.until is None else rest.until


def _read(text: str) -> Quiet | None:
    """Return what was kept; what cannot be read was never wished."""
    try:
        found = json.loads(text)
        return Quiet(float(found["until"]), str(found["code"]), str(found["words"]), int(found["strikes"]))
    except (ValueError, KeyError, TypeError):
        return None
