"""What the operator of the tenant says of an incident that was started here: late, generally, and once it is over.

Rule of this file: of what is no incident of the service nothing is said.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prober.simulator.faults.fault import EVERYBODY
from prober.simulator.faults.read import Incident
from prober.simulator.graph.announcements import Announcements
from prober.timeline import Clock

EVERY_WAY = "any connection method"
NUMBER = 9_000_000
"""The notices are numbered from here on: no real one has such a number for a long time."""
IMPACT = "Users may be unable to access their mailboxes through {ways}."
POSTED = "<p>We're investigating a potential issue. {impact}</p>"
MENDED = "<p>We've confirmed that service is restored.</p>"


@dataclass(slots=True)
class Bulletins:
    """Publishes one notice per incident, `late` seconds of the running loop after it began; the end is told at once.

    An incident that is over before that is never spoken of. `titles` are what people call the clients; `wall` tells
    seconds since the epoch.
    """

    announcements: Announcements
    titles: Mapping[str, str]
    late: float
    wall: Clock
    _due: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _open: dict[str, str] = field(default_factory=dict)
    _published: int = 0

    def begin(self, incident: Incident) -> None:
        """Have a notice about `incident` published in a while, unless it is none of the service's."""
        if not incident.decoy:
            loop, began = asyncio.get_running_loop(), self._now()
            self._due[incident.id] = loop.call_later(self.late, self._publish, incident, began)

    def end(self, incident: Incident) -> None:
        """Say that it is over, or nothing at all where nothing has been said yet."""
        due = self._due.pop(incident.id, None)
        if due is not None:
            due.cancel()
        number = self._open.pop(incident.id, "")
        if number:
            self._say(number, MENDED, status="serviceRestored", isResolved=True, endDateTime=self._now())

    def stop(self) -> None:
        """Publish nothing more."""
        for due in self._due.values():
            due.cancel()
        self._due.clear()

    def _publish(self, incident: Incident, began: str) -> None:
        del self._due[incident.id]
        self._published += 1
        number = f"EX{NUMBER + self._published}"
        self._open[incident.id] = number
        impact = IMPACT.format(ways=self._ways(incident))
        said = {"title": incident.title, "impactDescription": impact, "startDateTime": began}
        self._say(number, POSTED.format(impact=impact), status="serviceDegradation", **said)

    def _say(self, number: str, text: str, **said: Any) -> None:
        now = self._now()
        post = {"createdDateTime": now, "postType": "regular", "description": {"contentType": "html", "content": text}}
        known = next((one["posts"] for one in self.announcements.issues if one["id"] == number), ())
        self.announcements.announce(id=number, lastModifiedDateTime=now, posts=[*known, post], **said)

    def _ways(self, incident: Incident) -> str:
        struck = {client for fault in incident.faults for client in fault.clients}
        return EVERY_WAY if EVERYBODY in struck else _listed([self.titles.get(one, one) for one in sorted(struck)])

    def _now(self) -> str:
        return datetime.fromtimestamp(self.wall(), UTC).isoformat().replace("+00:00", "Z")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
