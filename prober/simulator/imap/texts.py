"""What the server says: the capabilities and the fixed texts of Exchange's IMAP service, each in one place."""

from math import ceil

BEFORE_LOGIN = (
    *("IMAP4", "IMAP4rev1", "AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR", "UIDPLUS", "ID", "UNSELECT", "CHILDREN"),
    *("IDLE", "NAMESPACE", "LITERAL+"),
)
AFTER_LOGIN = (
    *BEFORE_LOGIN,
    *("MOVE", "CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION", "BACKENDAUTHENTICATE"),
)

READY = "The Microsoft Exchange IMAP4 service is ready."
SIGNING_OFF = "Microsoft Exchange Server IMAP4 server signing off."
MORE = "Ready for additional command text."
IDLING = "IDLE accepted, awaiting DONE command."
STILL_IDLE = "IDLE continues."

PARSE_ERROR = "Command Error. 10"
ARGUMENT_ERROR = "Command Argument Error. 11"
UNKNOWN_COMMAND = "Command Error. 12"
WRONG_STATE = "Command received in Invalid state."
TOO_LONG = "Command line is too long."
INVALID_SET = "The specified message set is invalid."

AUTHENTICATE_FAILED = "AUTHENTICATE failed."
LOGIN_FAILED = "LOGIN failed."
NOT_CONNECTED = "User is authenticated but not connected."
TOKEN_EXPIRED = "Session invalidated - AccessTokenExpired"  # noqa: S105 - what is said, not a secret
UNAVAILABLE = "Server Unavailable. 15"
INACTIVE = "Connection is closed. 13"
AFTER_ERROR = "Connection closed. 14"

SEVERING = (NOT_CONNECTED.rstrip("."), UNAVAILABLE)
"""Tagged texts after which Exchange leaves: the session behind the front end is gone."""


def throttled(seconds: float) -> str:
    """Return the text that asks a client to come back after `seconds`."""
    return f"Request is throttled. Suggested Backoff Time: {ceil(seconds * 1000)} milliseconds"
