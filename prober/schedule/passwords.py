"""Never a wrong password twice: one rejection stops everybody who would show the same one.

Rule of this file: it is about the credential, whoever uses it. A password that has not yet been accepted is shown by
one at a time, so that a wrong one is known before a second can be sent.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import MappingProxyType

from prober.faults.taxonomy import Fault
from prober.model import Assignment
from prober.schedule.records import Record, Records, Rest, Stamp
from prober.timeline import Clock
from prober.vocabulary import Depth

PASSWORDS = frozenset({"basic", "ntlm", "negotiate", "ropc"})
PAUSE = 1800.0
LOCKED = frozenset({"aadsts_50053"})
"""The account is locked for a while, which a right password does not change."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A rejection that this process has heard: it is repeated from memory as long as its pause lasts."""

    fault: Fault
    rest: Rest


class Passwords:
    """What is known of each password credential, by name, kept in `records` beside those of assignments.

    `stamp` says what a credential, and all that is done with it, is configured with at this moment.
    """

    def __init__(self, records: Records, stamp: Callable[[str], Stamp], *, wall: Clock = time.time) -> None:
        self._records = records
        self._stamp = stamp
        self._wall = wall
        self._locks: dict[str, asyncio.Lock] = {}
        self._refused: dict[str, _Refused] = {}

    def rest(self, name: str) -> Rest | None:
        """Return the pause that `name` is under at this moment."""
        rest = self._records.rest(_key(name))
        if rest is None or (rest.until is not None and self._wall() >= rest.until):
            return None
        return None if rest.stamp.differs(self._stamp(name)) else rest

    def on_trial(self, name: str) -> bool:
        """Whether somebody is finding out at this moment whether it is accepted."""
        return name in self._locks and self._locks[name].locked() and not self.proven(name)

    def proven(self, name: str) -> bool:
        """Whether the password as it is now was accepted, and not rejected since."""
        record = self._records.get(_key(name))
        same = record.stamp.secret == self._stamp(name).secret
        return same and record.rest is None and record.succeeded_at is not None

    def trial(self, names: Iterable[str]) -> "Trial":
        """Return what waits until nobody else is trying one of `names` that is not proven, and keeps others from it."""
        return Trial(self, sorted(names))

    def lock(self, name: str) -> asyncio.Lock:
        """Return what whoever tries `name` holds."""
        return self._locks.setdefault(name, asyncio.Lock())

    def accepted(self, name: str) -> None:
        """The password as it is now was accepted."""
        self._refused.pop(name, None)
        if not self.proven(name) or self._stale(name):
            self._records.put(_key(name), Record(self._wall(), self._stamp(name)))

    def rejected(self, name: str, fault: Fault) -> None:
        """It was not: nobody shows it until it or the configuration changes; one that had worked, for half an hour."""
        record, stamp = self._records.get(_key(name)), self._stamp(name)
        passing = record.succeeded_at is not None or fault.kind.code in LOCKED
        rest = Rest(fault.kind.code, self._wall() + PAUSE if passing else None, stamp)
        self._refused[name] = _Refused(fault, rest)
        self._records.put(_key(name), replace(record, rest=rest))

    def accepted_since(self, name: str, when: float) -> bool:
        """Whether the password as it is now was accepted after `when`."""
        record = self._records.get(_key(name))
        same = record.stamp.secret == self._stamp(name).secret
        return same and record.succeeded_at is not None and record.succeeded_at > when

    def remembered(self, name: str) -> Fault | None:
        """Return the rejection that showing `name` now would only repeat, if this process has heard it."""
        refused = self._refused.get(name)
        if refused is None or refused.rest != self.rest(name):
            return None
        evidence = MappingProxyType({**refused.fault.evidence, "answered": "from memory"})
        return replace(refused.fault, evidence=evidence)

    def _stale(self, name: str) -> bool:
        """Whether the last acceptance is so long ago that a new one is worth a line in the state file."""
        accepted = self._records.get(_key(name)).succeeded_at
        return accepted is None or self._wall() - accepted >= 60.0


class Trial:
    """The passwords that somebody is finding out about, while the block lasts."""

    __slots__ = ("_held", "_names", "_passwords")

    def __init__(self, passwords: Passwords, names: Sequence[str]) -> None:
        self._passwords = passwords
        self._names = names
        self._held = ExitStack()

    async def __aenter__(self) -> None:
        with ExitStack() as held:
            for name in self._names:
                lock = self._passwords.lock(name)
                if self._passwords.proven(name):
                    continue
                await lock.acquire()
                if self._passwords.proven(name):
                    lock.release()
                else:
                    held.callback(lock.release)
            self._held = held.pop_all()

    async def __aexit__(self, *_: object) -> None:
        self._held.close()


def proves(assignment: Assignment) -> bool:
    """Whether a good end of `assignment` shows that its password is accepted: it went far enough to sign in."""
    if assignment.credential_kind == "ropc":
        return assignment.depth is not Depth.REACH
    return assignment.credential_kind in PASSWORDS and assignment.depth is Depth.MAILBOX


def _key(name: str) -> str:
    """Return the name of a credential's record: no assignment has it, for theirs hold a slash."""
    return f"credential {name}"
