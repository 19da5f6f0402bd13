"""What a refusal or a farewell means: words and response codes as data, from the most to the least specific.

Rule: evidence before vendor. Words that Exchange alone says stand in `WORDS`, the standard's response codes in `CODES`,
and what only the condition and the moment tell in `UNEXPLAINED`. A tagged text and an untagged BYE with the same words
mean the same. Sources: RFC 9051 section 7.1, RFC 5530 section 3, RFC 2221; the words are those that Exchange was seen
to send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from prober.faults.taxonomy import Fault, Kind, Reason
from prober.protocols.imap.responses import Condition, Status
from prober.vocabulary import Domain


class Stage(Enum):
    """Where in the conversation something was said."""

    GREETING = "greeting"
    BEFORE_LOGIN = "before_login"
    AUTHENTICATION = "authentication"
    MAILBOX = "mailbox"
    IDLE = "idle"
    LOGOUT = "logout"


AUTHENTICATED_NOT_CONNECTED = Kind("imap_authenticated_not_connected", Reason.MAILBOX_UNAVAILABLE)
NO_INBOX = Kind("imap_no_inbox", Reason.MAILBOX_UNAVAILABLE)
NONEXISTENT = Kind("imap_nonexistent", Reason.MAILBOX_UNAVAILABLE)

SESSION_EXPIRED = Kind("imap_session_expired", Reason.PROBE_INTERNAL)
SESSION_EXPIRED_EARLY = Kind("imap_session_expired_early", Reason.SERVER_ERROR)

THROTTLED = Kind("imap_throttled", Reason.THROTTLED)
LIMIT = Kind("imap_limit", Reason.THROTTLED)
IN_USE = Kind("imap_in_use", Reason.THROTTLED)

SERVER_UNAVAILABLE = Kind("imap_server_unavailable", Reason.SERVER_BUSY)
UNAVAILABLE = Kind("imap_unavailable", Reason.SERVER_BUSY)
BYE = Kind("imap_bye", Reason.SERVER_BUSY)

CONNECTION_CLOSED = Kind("imap_connection_closed", Reason.CONNECTION_RESET)

IDLE_LOST = Kind("imap_idle_lost", Reason.PUSH_CHANNEL_LOST)
IDLE_CLOSED = Kind("imap_idle_closed", Reason.PUSH_CHANNEL_LOST)
IDLE_BYE = Kind("imap_idle_bye", Reason.PUSH_CHANNEL_LOST)
IDLE_ENDED = Kind("imap_idle_ended", Reason.PUSH_CHANNEL_LOST)
IDLE_SILENT = Kind("imap_idle_silent", Reason.PUSH_CHANNEL_LOST)
IDLE_MISSED = Kind("imap_idle_missed", Reason.PUSH_CHANNEL_LOST)

AUTHENTICATION_FAILED = Kind("imap_authentication_failed", Reason.AUTH_REJECTED)
CREDENTIAL_EXPIRED = Kind("imap_credential_expired", Reason.AUTH_REJECTED)
AUTHENTICATION_ERROR = Kind("imap_authentication_error", Reason.SERVER_ERROR, Domain.IDENTITY)

AUTHORIZATION_FAILED = Kind("imap_authorization_failed", Reason.ACCESS_POLICY)
CONTACT_ADMIN = Kind("imap_contact_admin", Reason.ACCESS_POLICY)
NO_PERMISSION = Kind("imap_no_permission", Reason.ACCESS_POLICY)

CORRUPTION = Kind("imap_corruption", Reason.SERVER_ERROR, Domain.MAILBOX)
SERVER_BUG = Kind("imap_server_bug", Reason.SERVER_ERROR)
FETCH_FAILED = Kind("imap_fetch_failed", Reason.SERVER_ERROR, Domain.MAILBOX)
REFUSED = Kind("imap_refused", Reason.SERVER_ERROR)
IDLE_REFUSED = Kind("imap_idle_refused", Reason.SERVER_ERROR)
OAUTH_WITHDRAWN = Kind("imap_oauth_withdrawn", Reason.SERVER_ERROR)
IDLE_WITHDRAWN = Kind("imap_idle_withdrawn", Reason.SERVER_ERROR)

COMMAND_REFUSED = Kind("imap_command_refused", Reason.PROTOCOL_VIOLATION)
UNEXPECTED_PREAUTH = Kind("imap_unexpected_preauth", Reason.PROTOCOL_VIOLATION)

OAUTH_NOT_OFFERED = Kind("imap_oauth_not_offered", Reason.CLIENT_MISCONFIG)
IDLE_NOT_OFFERED = Kind("imap_idle_not_offered", Reason.CLIENT_MISCONFIG)
UIDPLUS_NOT_OFFERED = Kind("imap_uidplus_not_offered", Reason.CLIENT_MISCONFIG)
MECHANISM_NOT_OFFERED = Kind("imap_mechanism_not_offered", Reason.CLIENT_MISCONFIG)
PRIVACY_REQUIRED = Kind("imap_privacy_required", Reason.CLIENT_MISCONFIG)
CLIENT_BUG = Kind("imap_client_bug", Reason.CLIENT_MISCONFIG)
CANNOT = Kind("imap_cannot", Reason.CLIENT_MISCONFIG)
OVER_QUOTA = Kind("imap_over_quota", Reason.CLIENT_MISCONFIG)
REFERRAL = Kind("imap_referral", Reason.CLIENT_MISCONFIG)
LINE_TOO_LONG = Kind("imap_line_too_long", Reason.CLIENT_MISCONFIG)


@dataclass(frozen=True, slots=True)
class Words:
    """One row: fixed words (compared without case), the name they get in evidence, and what they mean.

    `idle` is what they mean while IDLE is held, where that differs. `first` rows outrank response codes.
    """

    name: str
    words: re.Pattern[str]
    kind: Kind
    idle: Kind | None = None
    first: bool = False


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


WORDS: tuple[Words, ...] = (
    Words(
        "authenticated but not connected",
        _words(r"authenticated but not connected"),
        AUTHENTICATED_NOT_CONNECTED,
        first=True,
    ),
    Words("access token expired", _words(r"AccessTokenExpired"), SESSION_EXPIRED, first=True),
    Words("request is throttled", _words(r"request is throttled|Suggested Backoff Time"), THROTTLED, first=True),
    Words("server unavailable", _words(r"server unavailable"), SERVER_UNAVAILABLE),
    Words("authenticate failed", _words(r"(?:authenticate|login) failed"), AUTHENTICATION_FAILED),
    Words("could not be fetched", _words(r"could not be fetched"), FETCH_FAILED),
    Words("connection is closed", _words(r"connection is closed"), CONNECTION_CLOSED, idle=IDLE_CLOSED),
    Words("session too long", _words(r"session too long"), CONNECTION_CLOSED, idle=IDLE_CLOSED),
    Words(
        "too many connections",
        _words(r"(?:too many|maximum (?:number of )?)[a-z ]*(?:connection|login|session)"),
        LIMIT,
    ),
)

CODES: Mapping[str, Kind] = MappingProxyType(
    {
        "UNAVAILABLE": UNAVAILABLE,
        "AUTHENTICATIONFAILED": AUTHENTICATION_FAILED,
        "AUTHORIZATIONFAILED": AUTHORIZATION_FAILED,
        "EXPIRED": CREDENTIAL_EXPIRED,
        "PRIVACYREQUIRED": PRIVACY_REQUIRED,
        "CONTACTADMIN": CONTACT_ADMIN,
        "NOPERM": NO_PERMISSION,
        "INUSE": IN_USE,
        "LIMIT": LIMIT,
        "EXPUNGEISSUED": FETCH_FAILED,
        "CORRUPTION": CORRUPTION,
        "SERVERBUG": SERVER_BUG,
        "CLIENTBUG": CLIENT_BUG,
        "CANNOT": CANNOT,
        "OVERQUOTA": OVER_QUOTA,
        "NONEXISTENT": NONEXISTENT,
        "TRYCREATE": NONEXISTENT,
        "REFERRAL": REFERRAL,
    }
)
"""NONEXISTENT can only mean the INBOX, the one mailbox we name and every account has: it is the store's loss."""

DIAGNOSTICS: Mapping[str, Kind] = MappingProxyType({"2000007": AUTHENTICATION_ERROR})
"""Numbers that Exchange's OAuth front end gives; 2000007 is its own internal error, the others refuse the token."""

UNEXPLAINED: Mapping[tuple[Stage, Condition], Kind] = MappingProxyType(
    {
        (Stage.GREETING, Condition.NO): COMMAND_REFUSED,
        (Stage.GREETING, Condition.BAD): COMMAND_REFUSED,
        (Stage.GREETING, Condition.BYE): BYE,
        (Stage.BEFORE_LOGIN, Condition.NO): REFUSED,
        (Stage.BEFORE_LOGIN, Condition.BAD): COMMAND_REFUSED,
        (Stage.BEFORE_LOGIN, Condition.BYE): BYE,
        (Stage.AUTHENTICATION, Condition.NO): AUTHENTICATION_FAILED,
        (Stage.AUTHENTICATION, Condition.BAD): COMMAND_REFUSED,
        (Stage.AUTHENTICATION, Condition.BYE): BYE,
        (Stage.MAILBOX, Condition.NO): REFUSED,
        (Stage.MAILBOX, Condition.BAD): COMMAND_REFUSED,
        (Stage.MAILBOX, Condition.BYE): BYE,
        (Stage.IDLE, Condition.NO): IDLE_ENDED,
        (Stage.IDLE, Condition.BAD): IDLE_ENDED,
        (Stage.IDLE, Condition.BYE): IDLE_BYE,
        (Stage.LOGOUT, Condition.NO): REFUSED,
        (Stage.LOGOUT, Condition.BAD): COMMAND_REFUSED,
        (Stage.LOGOUT, Condition.BYE): BYE,
    }
)
"""NO to AUTHENTICATE or LOGIN means refused credentials (RFC 9051 sections 6.2.2, 6.2.3). BAD to a command that was
offered and is always the same is the server's doing; calling it ours would hide a real loss."""

AFTER_ERROR = _words(r"connection closed\. 14")
"""Exchange closes because of what it said before: the class is that of the earlier text."""
BACK_OFF = _words(r"Suggested Backoff Time: (\d{1,9}) milliseconds")
NUMBER = re.compile(r"\. (\d{1,3})\.?\s*\Z")
LOGON_ERROR = re.compile(r"Error=\"?(AuthFailed:[A-Za-z0-9-]{1,60})")
DIAGNOSTIC = re.compile(r"(?<![0-9])(200000[0-9])(?![0-9])")
KNOWN_CODES = frozenset({*CODES, "ALERT", "BADCHARSET", "CAPABILITY", "CLOSED", "PARSE", "READ-ONLY", "WEBALERT"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A fault read from a status, and whether its own words or code told (or only condition and stage)."""

    fault: Fault
    specific: bool


def read(status: Status, stage: Stage, command: str) -> Reading:
    """Return what a NO, BAD or BYE said at `stage` while `command` was under way means."""
    row = next((row for row in WORDS if row.words.search(status.text)), None)
    by_words = _by_words(row, stage)
    outranking = by_words if row and row.first else None
    kind = outranking or diagnosed(status.text) or CODES.get(status.code) or by_words
    told = kind or UNEXPLAINED[stage, status.condition]
    wait = back_off(status.text) if told is THROTTLED else None
    return Reading(Fault(told, _evidence(status, command, row), retry_after=wait), specific=kind is not None)


def _by_words(row: Words | None, stage: Stage) -> Kind | None:
    if row is None:
        return None
    return row.idle if stage is Stage.IDLE and row.idle else row.kind


def back_off(text: str) -> float | None:
    """Return the seconds that a throttled session should wait, where the text says it."""
    found = BACK_OFF.search(text)
    return int(found[1]) / 1000 if found else None


def diagnosed(text: str) -> Kind | None:
    """Return the kind that an OAuth diagnostic number within `text` stands for, where it stands for one."""
    found = DIAGNOSTIC.search(text)
    return DIAGNOSTICS.get(found[1]) if found else None


def _evidence(status: Status, command: str, row: Words | None) -> Mapping[str, str]:
    """Fixed words of ours, names of codes, numbers: nothing else of what the server wrote."""
    found = {
        "command": command,
        "condition": status.condition.value,
        "code": status.code if not status.code or status.code in KNOWN_CODES else "other",
        "text": row.name if row else "",
        "number": _first(NUMBER, status.text),
        "error": _first(LOGON_ERROR, status.text),
        "diagnostics": _first(DIAGNOSTIC, status.text),
    }
    return MappingProxyType({name: value for name, value in found.items() if value})


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
