"""Groups what the tenant sees into attempts of a client: look-ups, connections and requests that belong together.

Rule of this file: only what any server sees counts, which is who connects where, and when. A prober opens every
attempt cold and closes all its connections at the end, so an attempt is what happens until none is left.
"""

from collections.abc import Callable
from dataclasses import dataclass

from prober.simulator.wire import Attempt, Connection, Host

QUIET = 1.0
"""Seconds without any event after which a look-up without a connection is over: the next one is another attempt's."""


@dataclass(slots=True)
class _Course:
    """The attempts of one client at one site, one after the other. `touched`: when the last event was."""

    current: Attempt
    touched: float


class Tracker:
    """Says which attempt a look-up, a connection or a request belongs to. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._courses: dict[str, _Course] = {}

    def looked_up(self, host: Host) -> Attempt:
        """Return the attempt a look-up of `host`, or a handshake with it, belongs to."""
        return self._touched(key_of(host))

    def accepted(self, host: Host) -> Attempt:
        """Return the attempt a new connection to `host` belongs to; it goes on until the connection has closed."""
        attempt = self._touched(key_of(host))
        attempt.open += 1
        attempt.connected = True
        return attempt

    def held(self, connection: Connection) -> None:
        """Note that a connection waits for news from now on: it keeps no attempt going any more."""
        if not connection.waits:
            connection.waits = True
            connection.attempt.open -= 1

    def closed(self, connection: Connection) -> None:
        """Note that a connection is gone."""
        self.held(connection)

    def joins(self, client: str, connection: Connection) -> Attempt:
        """Return the attempt of `client` that a request on a shared host belongs to, wherever it is under way."""
        if not client:
            return connection.attempt
        site = connection.host.site
        mark = f"{client}@{site}"
        running = [
            course
            for key, course in self._courses.items()
            if course.current.open and (key == mark if site else key.startswith(mark))
        ]
        if not running:
            return self._touched(f"{client}@{site or connection.host.name}")
        return max(running, key=lambda course: course.touched).current

    def _touched(self, key: str) -> Attempt:
        now = self._clock()
        course = self._courses.get(key)
        if course is None:
            course = self._courses[key] = _Course(Attempt(key, 1), now)
        elif _over(course, now):
            last = course.current
            course.current = Attempt(key, last.number + 1, usual=max(1, last.requests))
        course.touched = now
        return course.current


def key_of(host: Host) -> str:
    """Return the course that a host's connections belong to: its client's at its site, its own where it is shared."""
    return f"{host.client}@{host.site}" if host.client else host.name


def _over(course: _Course, now: float) -> bool:
    attempt = course.current
    if attempt.open:
        return False
    return attempt.connected or now - course.touched >= QUIET
