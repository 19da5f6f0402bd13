"""The paths of this service: what each is called in the step tables of clients, and what one needs for it.

Rule of this file: the first pattern that fits counts, so a fixed word stands before the `*` in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass

from prober.simulator.graph import calendar, directory, mail
from prober.simulator.graph.announcements import Announcements
from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.delta import Deltas
from prober.simulator.graph.paths import split
from prober.simulator.graph.subscriptions import Subscriptions

Handler = Callable[[Asking], Answer]
MAIL = frozenset({"Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic", "Mail.ReadBasic.All"})
CALENDAR = frozenset({"Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic", "Calendars.ReadBasic.All"})
DIRECTORY = frozenset({"Directory.Read.All", "Organization.Read.All", "User.Read", "User.Read.All"})
HEALTH = frozenset({"ServiceHealth.Read.All"})
MESSAGE_CENTRE = frozenset({"ServiceMessage.Read.All"})
SURROGATE = "calendar_and_mail_surrogate"


@dataclass(frozen=True, slots=True)
class Route:
    """One path. `pattern`: its words in lower case, `*` for any one segment. `needs`: any one of these permissions.

    `account`: the path goes on from an account; `mailbox`: it is about that account's mailbox. `steps` are the names
    the request has in the step tables of clients.
    """

    method: str
    pattern: tuple[str, ...]
    handler: Handler
    needs: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    account: bool = False
    mailbox: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: `account` as it was named (`me` included), the route, and what stands for its stars."""

    route: Route
    account: str = ""
    parts: tuple[str, ...] = ()


def routes(deltas: Deltas, subscriptions: Subscriptions, announcements: Announcements) -> tuple[Route, ...]:
    """Return every path there is."""
    return (
        *_mail_routes(deltas),
        *_calendar_routes(deltas),
        Route("GET", (), directory.get_user, DIRECTORY, account=True),
        Route("GET", ("organization",), directory.organization, DIRECTORY, frozenset({"token_use"})),
        Route("POST", ("subscriptions",), subscriptions.create),
        Route("GET", ("subscriptions",), subscriptions.list),
        Route("GET", ("subscriptions", "*"), subscriptions.show),
        Route("PATCH", ("subscriptions", "*"), subscriptions.renew),
        Route("DELETE", ("subscriptions", "*"), subscriptions.delete),
        *_announcement_routes(announcements),
    )


def find(table: tuple[Route, ...], method: str, path: str) -> Place | None:
    """Return where `path`, without the version, leads; one of another method where there is none of this one."""
    segments = split(path)
    account, rest = _account(segments)
    fitting = [
        Place(route, account, parts)
        for route in table
        if route.account is bool(account) and (parts := _fit(route.pattern, rest)) is not None
    ]
    of_method = (place for place in fitting if place.route.method == method)
    return next(of_method, fitting[0] if fitting else None)


def _account(segments: list[str]) -> tuple[str, list[str]]:
    if segments and segments[0].lower() == "me":
        return "me", segments[1:]
    if len(segments) > 1 and segments[0].lower() == "users":
        return segments[1], segments[2:]
    return "", segments


def _fit(pattern: tuple[str, ...], segments: list[str]) -> tuple[str, ...] | None:
    if len(pattern) != len(segments):
        return None
    pairs = list(zip(pattern, segments, strict=True))
    if any(word not in ("*", segment.lower().removeprefix("microsoft.graph.")) for word, segment in pairs):
        return None
    return tuple(segment for word, segment in pairs if word == "*")


def _mail_routes(deltas: Deltas) -> tuple[Route, ...]:
    table: tuple[tuple[str, Handler, str], ...] = (
        ("mailfolders", mail.list_folders, "list_folders"),
        ("mailfolders/*", mail.get_folder, ""),
        ("mailfolders/*/childfolders", mail.child_folders, ""),
        ("mailfolders/*/messages", mail.folder_messages, "read_newest"),
        ("mailfolders/*/messages/delta", deltas.messages, "mail_delta_prime"),
        ("mailfolders/*/messages/*", mail.get_message, ""),
        ("mailfolders/*/messages/*/$value", mail.message_mime, ""),
        ("messages", mail.all_messages, "read_newest"),
        ("messages/*", mail.get_message, ""),
        ("messages/*/$value", mail.message_mime, ""),
    )
    return tuple(_of_mailbox("GET", path, handler, MAIL, step) for path, handler, step in table)


def _calendar_routes(deltas: Deltas) -> tuple[Route, ...]:
    table: tuple[tuple[str, str, Handler, str], ...] = (
        ("GET", "calendarview", calendar.calendar_view, ""),
        ("GET", "calendarview/delta", deltas.events, "calendar_delta"),
        ("GET", "calendar/calendarview", calendar.calendar_view, ""),
        ("GET", "calendar/calendarview/delta", deltas.events, "calendar_delta"),
        ("GET", "calendar/events", calendar.list_events, ""),
        ("POST", "calendar/getschedule", calendar.get_schedule, "free_busy"),
        ("GET", "events", calendar.list_events, ""),
        ("GET", "events/*", calendar.get_event, ""),
    )
    return tuple(_of_mailbox(method, path, handler, CALENDAR, step) for method, path, handler, step in table)


def _of_mailbox(method: str, path: str, handler: Handler, needs: frozenset[str], step: str) -> Route:
    steps = frozenset({SURROGATE, step} if step else {SURROGATE})
    return Route(method, tuple(path.split("/")), handler, needs, steps, account=True, mailbox=True)


def _announcement_routes(announcements: Announcements) -> tuple[Route, ...]:
    table: tuple[tuple[str, Handler, frozenset[str]], ...] = (
        ("healthoverviews", announcements.list_overviews, HEALTH),
        ("healthoverviews/*", announcements.get_overview, HEALTH),
        ("issues", announcements.list_issues, HEALTH),
        ("issues/*", announcements.get_issue, HEALTH),
        ("messages", announcements.list_messages, MESSAGE_CENTRE),
    )
    return tuple(
        Route("GET", ("admin", "serviceannouncement", *path.split("/")), handler, needs)
        for path, handler, needs in table
    )
