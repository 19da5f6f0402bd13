"""Every row of what refusals and farewells mean."""

import pytest

from prober.faults.taxonomy import Kind, Reason
from prober.protocols.imap import status as kinds
from prober.protocols.imap.responses import Condition, Status, parse
from prober.protocols.imap.status import CODES, UNEXPLAINED, WORDS, Stage, back_off, diagnosed, read


def said(line: str) -> Status:
    response = parse(line.encode())
    assert isinstance(response, Status)
    return response


ROWS: list[tuple[str, Stage, Kind, Reason]] = [
    ("A3 NO AUTHENTICATE failed.", Stage.AUTHENTICATION, kinds.AUTHENTICATION_FAILED, Reason.AUTH_REJECTED),
    ("A3 NO LOGIN failed.", Stage.AUTHENTICATION, kinds.AUTHENTICATION_FAILED, Reason.AUTH_REJECTED),
    ("A3 NO go away", Stage.AUTHENTICATION, kinds.AUTHENTICATION_FAILED, Reason.AUTH_REJECTED),
    (
        "A3 NO [AUTHENTICATIONFAILED] Authentication failed.",
        Stage.AUTHENTICATION,
        kinds.AUTHENTICATION_FAILED,
        Reason.AUTH_REJECTED,
    ),
    (
        "A3 NO [EXPIRED] That password isn't valid any more",
        Stage.AUTHENTICATION,
        kinds.CREDENTIAL_EXPIRED,
        Reason.AUTH_REJECTED,
    ),
    (
        "A3 NO [UNAVAILABLE] Temporary authentication failure. [h:d]",
        Stage.AUTHENTICATION,
        kinds.UNAVAILABLE,
        Reason.SERVER_BUSY,
    ),
    ("A3 NO [UNAVAILABLE] AUTHENTICATE failed.", Stage.AUTHENTICATION, kinds.UNAVAILABLE, Reason.SERVER_BUSY),
    ("A3 NO [AUTHORIZATIONFAILED] no", Stage.AUTHENTICATION, kinds.AUTHORIZATION_FAILED, Reason.ACCESS_POLICY),
    ("A3 NO [CONTACTADMIN] no", Stage.AUTHENTICATION, kinds.CONTACT_ADMIN, Reason.ACCESS_POLICY),
    ("A3 NO [PRIVACYREQUIRED] no", Stage.AUTHENTICATION, kinds.PRIVACY_REQUIRED, Reason.CLIENT_MISCONFIG),
    ("A3 NO [REFERRAL imap://other/] moved", Stage.AUTHENTICATION, kinds.REFERRAL, Reason.CLIENT_MISCONFIG),
    ("A3 NO [LIMIT] Maximum number of connections", Stage.AUTHENTICATION, kinds.LIMIT, Reason.THROTTLED),
    ("A3 NO [ALERT] Too many simultaneous connections.", Stage.AUTHENTICATION, kinds.LIMIT, Reason.THROTTLED),
    (
        'A3 NO AUTHENTICATE failed. 2000007;reason="internal error"',
        Stage.AUTHENTICATION,
        kinds.AUTHENTICATION_ERROR,
        Reason.SERVER_ERROR,
    ),
    (
        'A3 NO AUTHENTICATE failed. 2000003;reason="audience"',
        Stage.AUTHENTICATION,
        kinds.AUTHENTICATION_FAILED,
        Reason.AUTH_REJECTED,
    ),
    ("A3 BAD what?", Stage.AUTHENTICATION, kinds.COMMAND_REFUSED, Reason.PROTOCOL_VIOLATION),
    (
        "A5 BAD User is authenticated but not connected.",
        Stage.MAILBOX,
        kinds.AUTHENTICATED_NOT_CONNECTED,
        Reason.MAILBOX_UNAVAILABLE,
    ),
    (
        "A5 BAD [UNAVAILABLE] USER IS AUTHENTICATED BUT NOT CONNECTED.",
        Stage.MAILBOX,
        kinds.AUTHENTICATED_NOT_CONNECTED,
        Reason.MAILBOX_UNAVAILABLE,
    ),
    ("* BYE Session invalidated - AccessTokenExpired", Stage.MAILBOX, kinds.SESSION_EXPIRED, Reason.PROBE_INTERNAL),
    ("A5 BAD Session invalidated - AccessTokenExpired", Stage.IDLE, kinds.SESSION_EXPIRED, Reason.PROBE_INTERNAL),
    (
        "A5 BAD Request is throttled. Suggested Backoff Time: 89500 milliseconds",
        Stage.MAILBOX,
        kinds.THROTTLED,
        Reason.THROTTLED,
    ),
    (
        "* BYE Request is throttled. Suggested Backoff Time: 300000 milliseconds",
        Stage.IDLE,
        kinds.THROTTLED,
        Reason.THROTTLED,
    ),
    ("A6 NO Server Unavailable. 15", Stage.MAILBOX, kinds.SERVER_UNAVAILABLE, Reason.SERVER_BUSY),
    ("A6 BAD Server Unavailable. 15", Stage.MAILBOX, kinds.SERVER_UNAVAILABLE, Reason.SERVER_BUSY),
    ("* BYE Server Unavailable. 15", Stage.IDLE, kinds.SERVER_UNAVAILABLE, Reason.SERVER_BUSY),
    ("* BYE Connection is closed. 13", Stage.MAILBOX, kinds.CONNECTION_CLOSED, Reason.CONNECTION_RESET),
    ("* BYE Connection is closed. 13", Stage.IDLE, kinds.IDLE_CLOSED, Reason.PUSH_CHANNEL_LOST),
    ("* BYE Session too long", Stage.IDLE, kinds.IDLE_CLOSED, Reason.PUSH_CHANNEL_LOST),
    ("* BYE Connection closed. 14", Stage.MAILBOX, kinds.BYE, Reason.SERVER_BUSY),
    ("* BYE Server shutting down.", Stage.IDLE, kinds.IDLE_BYE, Reason.PUSH_CHANNEL_LOST),
    ("* BYE Server shutting down.", Stage.MAILBOX, kinds.BYE, Reason.SERVER_BUSY),
    ("* BYE too busy", Stage.GREETING, kinds.BYE, Reason.SERVER_BUSY),
    ("A6 NO [UNAVAILABLE] later", Stage.MAILBOX, kinds.UNAVAILABLE, Reason.SERVER_BUSY),
    ("A6 NO [LIMIT] enough", Stage.MAILBOX, kinds.LIMIT, Reason.THROTTLED),
    ("A6 NO [INUSE] locked", Stage.MAILBOX, kinds.IN_USE, Reason.THROTTLED),
    ("A6 NO [NOPERM] no", Stage.MAILBOX, kinds.NO_PERMISSION, Reason.ACCESS_POLICY),
    ("A6 NO [SERVERBUG] sorry", Stage.MAILBOX, kinds.SERVER_BUG, Reason.SERVER_ERROR),
    ("A6 NO [CORRUPTION] sorry", Stage.MAILBOX, kinds.CORRUPTION, Reason.SERVER_ERROR),
    ("A6 BAD [CLIENTBUG] you", Stage.MAILBOX, kinds.CLIENT_BUG, Reason.CLIENT_MISCONFIG),
    ("A6 NO [CANNOT] ever", Stage.MAILBOX, kinds.CANNOT, Reason.CLIENT_MISCONFIG),
    ("A6 NO [OVERQUOTA] full", Stage.MAILBOX, kinds.OVER_QUOTA, Reason.CLIENT_MISCONFIG),
    ("A6 NO [NONEXISTENT] INBOX", Stage.MAILBOX, kinds.NONEXISTENT, Reason.MAILBOX_UNAVAILABLE),
    ("A6 NO [TRYCREATE] INBOX", Stage.MAILBOX, kinds.NONEXISTENT, Reason.MAILBOX_UNAVAILABLE),
    ("A8 NO Some messages could not be FETCHed", Stage.MAILBOX, kinds.FETCH_FAILED, Reason.SERVER_ERROR),
    ("A8 NO [EXPUNGEISSUED] gone", Stage.MAILBOX, kinds.FETCH_FAILED, Reason.SERVER_ERROR),
    ("A6 NO nobody knows why", Stage.MAILBOX, kinds.REFUSED, Reason.SERVER_ERROR),
    ("A6 BAD nobody knows why", Stage.MAILBOX, kinds.COMMAND_REFUSED, Reason.PROTOCOL_VIOLATION),
    ("A6 NO [BLURDYBLOOP] nobody knows why", Stage.MAILBOX, kinds.REFUSED, Reason.SERVER_ERROR),
]


@pytest.mark.parametrize(("line", "stage", "kind", "reason"), ROWS)
def test_words_codes_and_conditions_mean_what_the_tables_say(
    line: str, stage: Stage, kind: Kind, reason: Reason
) -> None:
    """Each row gives its kind, and the kind its reason."""
    fault = read(said(line), stage, "LIST").fault
    assert (fault.kind, fault.reason) == (kind, reason)


def test_every_row_of_the_tables_is_tried_here() -> None:
    """A row without a case above could say anything."""
    tried = [said(line) for line, *_ in ROWS]
    assert {row.name for row in WORDS} == {
        row.name for row in WORDS if any(row.words.search(one.text) for one in tried)
    }
    assert set(CODES) <= {one.code for one in tried}


def test_every_failure_at_every_stage_has_a_meaning() -> None:
    """No combination of stage and condition is left out."""
    failures = (Condition.NO, Condition.BAD, Condition.BYE)
    assert set(UNEXPLAINED) == {(stage, condition) for stage in Stage for condition in failures}


def test_kinds_have_different_codes_that_name_the_protocol() -> None:
    """Codes are unique and begin with `imap_`."""
    codes = [kind.code for kind in vars(kinds).values() if isinstance(kind, Kind)]
    assert len(codes) == len(set(codes))
    assert all(code.startswith("imap_") for code in codes)


def test_a_throttled_session_says_how_long_to_wait() -> None:
    """Milliseconds become seconds; nothing else that is refused asks for a wait."""
    throttled = read(
        said("* BYE Request is throttled. Suggested Backoff Time: 89500 milliseconds"), Stage.MAILBOX, "LIST"
    )
    assert throttled.fault.retry_after == 89.5
    assert back_off("Request is throttled.") is None
    assert read(said("A1 NO [LIMIT] Suggested"), Stage.MAILBOX, "LIST").fault.retry_after is None


def test_only_words_and_codes_are_specific() -> None:
    """What only condition and stage tell may be explained by a remark that came before it."""
    assert read(said("A1 NO Server Unavailable. 15"), Stage.MAILBOX, "LIST").specific
    assert read(said("A1 NO [LIMIT]"), Stage.MAILBOX, "LIST").specific
    assert not read(said("A1 NO [ALERT] hm"), Stage.MAILBOX, "LIST").specific


def test_evidence_holds_fixed_words_and_numbers_only() -> None:
    """Whatever the server wrote besides: names, addresses, unknown codes stay out."""
    line = 'A3 NO [X-ALICE@EXAMPLE.TEST] AUTHENTICATE failed. Error="AuthFailed:LogonDenied-None-OAuthLog:bob" 12. 13'
    assert dict(read(said(line), Stage.AUTHENTICATION, "AUTHENTICATE").fault.evidence) == {
        "command": "AUTHENTICATE",
        "condition": "NO",
        "code": "other",
        "text": "authenticate failed",
        "number": "13",
        "error": "AuthFailed:LogonDenied-None-OAuthLog",
    }


def test_diagnostics_are_whole_numbers() -> None:
    """2000007 is the front end's own error; a longer number that holds it is not."""
    assert diagnosed("x 2000007; y") is kinds.AUTHENTICATION_ERROR
    assert diagnosed("12000007") is None
    assert diagnosed("2000001") is None
