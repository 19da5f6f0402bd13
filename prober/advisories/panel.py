"""What was read as the status page and the status data show it. Ids, titles and scores stand here, never in labels."""

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prober.advisories.ledger import Notice
from prober.advisories.matching import Match
from prober.advisories.onsets import Episode
from prober.advisories.reader import Reader, View


class AdvisoryPanel:
    """A part of the status page with nothing to do in it."""

    name = "advisories"
    place = "above"
    routes: Sequence[Any] = ()

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def page(self) -> str:
        """Return one line of HTML."""
        view = self._reader.view()
        if view.read_at is None:
            what = "not read yet"
        else:
            open_ones = sum(not one.issue.resolved for one in view.notices)
            matched = sorted({match.issue for match in view.matches})
            possible = f", possibly about what is seen here: {', '.join(matched)}" if matched else ""
            what = f"notices open: {open_ones}{possible}; read {_time(view.read_at)}"
        trouble = f"; the last reading failed: {view.result}" if view.result not in (None, "ok") else ""
        return f"<p>Microsoft service health: {html.escape(what + trouble)}</p>\n"

    def data(self) -> dict[str, Any]:
        """Return the reading, every notice with its possible matches, and when trouble began here."""
        view = self._reader.view()
        return {
            "result": None if view.result is None else view.result.value,
            "read_at": _time(view.read_at),
            "bad_records": view.bad_records,
            "notices": [self._notice(one, view) for one in view.notices],
            "onsets": [_onset(one, view.now) for one in view.episodes],
        }

    def _notice(self, notice: Notice, view: View) -> dict[str, Any]:
        issue = notice.issue
        return {
            "id": issue.id,
            "title": issue.title,
            "service": issue.service,
            "feature": issue.feature,
            "classification": issue.classification,
            "downgraded": notice.downgraded,
            "status": issue.status,
            "resolved": issue.resolved,
            "published": _time(notice.published),
            "first_seen": _time(notice.first_seen),
            "start": _time(issue.started),
            "end": _time(issue.ended),
            "last_modified": _time(issue.modified),
            "clients": sorted(self._reader.named(issue)),
            "possible_matches": [_match(one, notice) for one in view.matches if one.issue == issue.id],
        }


def _match(match: Match, notice: Notice) -> dict[str, Any]:
    return {
        "client": match.client,
        "score": match.score,
        "signs": list(match.signs),
        "onset": _time(match.onset),
        "lead_seconds": round(notice.published - match.onset, 3),
    }


def _onset(episode: Episode, now: float) -> dict[str, Any]:
    return {
        "client": episode.client,
        "onset": _time(episode.began),
        "latest": _time(episode.latest),
        "failures": episode.failures,
        "regions": sorted(episode.regions),
        "over": episode.over(now),
    }


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
