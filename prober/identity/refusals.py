"""What one credential was refused by the token service, whichever resource it had asked for, and when it may ask again.

Rule of this file: a wrong secret is shown once, a wish for quiet is kept to the second, and a service in trouble is
asked often enough to see it recover, and no more often.
"""

import hashlib
import time
from dataclasses import dataclass, replace
from types import MappingProxyType

from prober.faults.taxonomy import Fault, Reason
from prober.protocols.oauth import aadsts
from prober.timeline import Clock

SECOND_CHANCE = 1800.0
"""Seconds after which a secret that had worked is tried once more, and a locked account looked at again."""
LOCKED = 50053
QUIET, LONGEST_QUIET, JITTER = 30.0, 900.0, 0.25
"""Seconds of quiet at first where a throttling service names none, and at most; the share by which they differ."""
PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds without a question after a failure, doubling: at most the shortest usual interval, so that nobody who
attempts something an interval after an outage has ended meets with it still."""
ASKED_NOTHING = frozenset({"secret_unreadable"})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that is not asked for again: until `until` (monotonic), and while the secret's mark stays the same.

    `None` in either place sets no limit. Another secret is another question; a locked account stays locked for it.
    """

    fault: Fault
    until: float | None
    mark: str | None = None

    def stands(self, mark: str, now: float) -> bool:
        """Whether asking with the secret of `mark` would be the same question again."""
        return (self.until is None or now < self.until) and (self.mark is None or self.mark == mark)

    def told(self, now: float) -> Fault:
        """Return the fault as it is told to who would have asked; a wish is what is left of it."""
        evidence = MappingProxyType({**self.fault.evidence, "answered": "from memory"})
        left = None if self.until is None else self.until - now
        return replace(
            self.fault, evidence=evidence, retry_after=left if self.fault.reason is Reason.THROTTLED else None
        )


class Refusals:
    """The refusals of one credential. `password`: it is a password, which no resource accepts once one has not."""

    def __init__(self, credential: str, *, password: bool = False, clock: Clock = time.monotonic) -> None:
        self._credential = credential
        self._password = password
        self._clock = clock
        self._worked = False
        self._all: _Refusal | None = None
        self._by_scope: dict[str, _Refusal] = {}
        self._throttled = 0
        self._failures: dict[str, int] = {}

    def remembered(self, scope: str, mark: str) -> Fault | None:
        """Return from memory what asking for `scope` with the secret of `mark` would only make worse."""
        now = self._clock()
        found = (one for one in (self._all, self._by_scope.get(scope)) if one is not None and one.stands(mark, now))
        refusal = next(found, None)
        return None if refusal is None else refusal.told(now)

    def granted(self, scope: str) -> None:
        """A token was issued for `scope`."""
        self._worked, self._all, self._throttled = True, None, 0
        self._by_scope.pop(scope, None)
        self._failures.pop(scope, None)

    def refused(self, scope: str, fault: Fault, mark: str, since: float | None = None) -> None:
        """None was, for the reason in `fault`; the secret of `mark` was shown. `since`: when it was asked for."""
        if fault.kind.code in ASKED_NOTHING:
            return
        if fault.reason is Reason.THROTTLED:
            self._all = _Refusal(fault, self._clock() + (fault.retry_after or self._quiet()))
            self._throttled += 1
        elif int(fault.evidence.get("aadsts", "0")) == LOCKED:
            self._all = _Refusal(fault, self._clock() + SECOND_CHANCE)
        elif self._definite(fault):
            self._all = _Refusal(fault, self._clock() + SECOND_CHANCE if self._worked else None, mark)
        else:
            self._by_scope[scope] = _Refusal(fault, (self._clock() if since is None else since) + self._pause(scope))

    def _definite(self, fault: Fault) -> bool:
        rejected = self._password and fault.reason is Reason.AUTH_REJECTED
        return rejected or int(fault.evidence.get("aadsts", "0")) in aadsts.DEFINITE

    def _quiet(self) -> float:
        longest = min(QUIET * 2.0 ** min(self._throttled, 20), LONGEST_QUIET / (1 + JITTER))
        return longest * (1 + JITTER * self._fraction(self._throttled))

    def _pause(self, scope: str) -> float:
        """Return the seconds between questions: 1 doubling to 30, shortened by up to half, so as not to march."""
        failures = self._failures.get(scope, 0)
        self._failures[scope] = failures + 1
        return min(PAUSE * 2.0 ** min(failures, 20), LONGEST_PAUSE) * (1 - self._fraction(failures) / 2)

    def _fraction(self, count: int) -> float:
        digest = hashlib.sha256(f"{self._credential}/{count}".encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32
