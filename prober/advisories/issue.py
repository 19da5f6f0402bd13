"""One notice of Microsoft's: a `serviceHealthIssue` of Graph as a frozen record.

Rule of this file: a record that is not what it should be is left out and counted; it costs no other record.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ID = re.compile(r"[A-Za-z]{2,4}[0-9]{1,12}")
TAG = re.compile(r"<[^<>]*>")
LONGEST_LINE, LONGEST_TEXT = 300, 20_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""What lies before is a way of saying that there is no time (year 1)."""


class BadRecordError(ValueError):
    """What stands where a notice should be is none."""


@dataclass(frozen=True, slots=True)
class Post:
    """One message of a notice. `created` in seconds since the epoch; `text` as it was sent, HTML or plain."""

    created: float
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Issue:
    """A `serviceHealthIssue` (Learn). Times in seconds since the epoch, `None` where the record has none.

    `classification` and `status` are in lower case: published samples and answers differ in it. `started` may be
    set back long after the fact; `posts` are in the order of their times.
    """

    id: str
    service: str
    title: str = ""
    feature: str = ""
    classification: str = ""
    status: str = ""
    resolved: bool = False
    started: float | None = None
    ended: float | None = None
    modified: float | None = None
    impact: str = ""
    details: tuple[str, ...] = ()
    posts: tuple[Post, ...] = ()

    @property
    def first_post(self) -> float | None:
        """When the first message was published."""
        return self.posts[0].created if self.posts else None

    @property
    def closed(self) -> float | None:
        """When it was closed; `None` while it is open, and 0 where it does not say when."""
        if not self.resolved:
            return None
        return self.ended or self.modified or 0.0

    def scope(self) -> str:
        """Return all that says where it holds: title, impact, details, and the latest message without its tags."""
        latest = html.unescape(TAG.sub(" ", self.posts[-1].text)) if self.posts else ""
        return " \n ".join(" ".join(part.split()) for part in (self.title, self.impact, *self.details, latest))


def read_issues(records: Iterable[Any]) -> tuple[tuple[Issue, ...], int]:
    """Return the notices in `records`, and how many records were none."""
    found, bad = [], 0
    for record in records:
        try:
            found.append(read_issue(record))
        except BadRecordError:
            bad += 1
    return tuple(found), bad


def read_issue(record: Any) -> Issue:
    """Return the notice in one JSON value. Raises `BadRecordError` without an id, a service or a state."""
    if not isinstance(record, dict):
        raise BadRecordError("not an object")
    name, service, resolved = (record.get(key) for key in ("id", "service", "isResolved"))
    if not isinstance(name, str) or ID.fullmatch(name) is None:
        raise BadRecordError("without an id")
    if not isinstance(service, str) or not service.strip() or not isinstance(resolved, bool):
        raise BadRecordError("without service or state")
    return Issue(
        id=name.upper(),
        service=_line(service),
        title=_line(record.get("title")),
        feature=_line(record.get("feature")),
        classification=_line(record.get("classification")).lower(),
        status=_line(record.get("status")).lower(),
        resolved=resolved,
        started=moment(record.get("startDateTime")),
        ended=moment(record.get("endDateTime")),
        modified=moment(record.get("lastModifiedDateTime")),
        impact=_text(record.get("impactDescription")),
        details=tuple(filter(None, (_text(one.get("value")) for one in _objects(record.get("details"))))),
        posts=_posts(record.get("posts")),
    )


def moment(value: Any) -> float | None:
    """Return an OData time as seconds since the epoch, in UTC where it names no offset; `None` for what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.timestamp() if found > EARLIEST else None


def _posts(value: Any) -> tuple[Post, ...]:
    found = [
        Post(created, _content(one.get("description")))
        for one in _objects(value)
        if (created := moment(one.get("createdDateTime"))) is not None
    ]
    return tuple(sorted(found, key=lambda post: post.created))


def _content(description: Any) -> str:
    return _text(description.get("content")) if isinstance(description, dict) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _line(value: Any) -> str:
    """Return a text as one printable line."""
    plain = "".join(letter if letter.isprintable() else " " for letter in _text(value)[: 2 * LONGEST_LINE])
    return " ".join(plain.split())[:LONGEST_LINE]


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
