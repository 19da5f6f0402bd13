"""When one assignment must not start whatever the others do: after a remote wipe, while what it asks for is withdrawn.

Rule of this file: a start held back is always counted as held back by whoever asked, never passed over in silence.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from prober.faults.retirements import explanation
from prober.faults.taxonomy import Fault, Reason
from prober.model import Assignment
from prober.schedule.passwords import LOCKED, PASSWORDS, PAUSE
from prober.schedule.records import Record, Records, Rest, Stamp
from prober.timeline import Clock
from prober.verdict import REMOTE_WIPE

RETIRED_PAUSE = 3600.0

Rule = Callable[[Assignment, Fault, Record, Stamp, float], Rest | None]


class Restraint:
    """Decides whether an assignment may start, from what its last attempts and push sessions met with."""

    def __init__(self, records: Records, stamp: Callable[[Assignment], Stamp], *, wall: Clock = time.time) -> None:
        self._records = records
        self._stamp = stamp
        self._wall = wall

    def rest(self, assignment: Assignment) -> Rest | None:
        """Return the pause that `assignment` is under at this moment."""
        rest = self._records.rest(assignment.key)
        if rest is None or (rest.until is not None and self._wall() >= rest.until):
            return None
        return None if rest.stamp.differs(self._stamp(assignment)) else rest

    def rejected_at(self, assignment: Assignment) -> float | None:
        """Return when the password of `assignment` was last rejected, `None` when it has been accepted since."""
        rest = self._records.rest(assignment.key)
        if rest is None or not rest.stamp.secret or rest.until is None:
            return None
        return rest.until - PAUSE

    def consider(self, assignment: Assignment, fault: Fault | None) -> None:
        """Learn from the fault that ended an attempt or a push session; `None` (it ended well) teaches nothing."""
        if fault is None:
            return
        record, stamp, now = self._records.get(assignment.key), self._stamp(assignment), self._wall()
        rests = (rule(assignment, fault, record, stamp, now) for rule in RULES)
        rest = next((found for found in rests if found is not None), None)
        if rest is not None:
            self._records.put(assignment.key, replace(record, rest=rest))


def remote_wipe(assignment: Assignment, fault: Fault, record: Record, stamp: Stamp, now: float) -> Rest | None:
    """A device told to wipe itself stops until somebody has changed its configuration."""
    if fault.kind.code not in REMOTE_WIPE:
        return None
    return Rest(fault.kind.code, None, Stamp(configuration=stamp.configuration))


def rejected_password(assignment: Assignment, fault: Fault, record: Record, stamp: Stamp, now: float) -> Rest | None:
    """Passwords are not tried again and again, lest the account be locked.

    One that never worked is tried once, until configuration or secret changes; one that did, every thirty minutes.
    """
    if fault.reason is not Reason.AUTH_REJECTED or assignment.credential_kind not in PASSWORDS:
        return None
    passing = record.succeeded_at is not None or fault.kind.code in LOCKED
    return Rest(fault.kind.code, now + PAUSE if passing else None, stamp)


def retired(assignment: Assignment, fault: Fault, record: Record, stamp: Stamp, now: float) -> Rest | None:
    """What has been withdrawn is said once and looked at again by the hour: it is no outage to follow by the minute."""
    when = datetime.fromtimestamp(now, UTC)
    if explanation(fault.kind.code, assignment.target.environment, when) is None:
        return None
    return Rest(fault.kind.code, now + RETIRED_PAUSE, Stamp(configuration=stamp.configuration))


RULES: tuple[Rule, ...] = (remote_wipe, rejected_password, retired)
