"""What servers say when they say no to MAPI over HTTP: about a request, about a session, about an operation.

Rule of this file: codes of `X-ResponseCode` are `mapi_code_<number>`, errors of Connect `mapi_connect_<hexadecimal>`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from prober.faults.taxonomy import Fault, FaultError, Kind, Reason

BUSY, ERROR, MISCONFIG = Reason.SERVER_BUSY, Reason.SERVER_ERROR, Reason.CLIENT_MISCONFIG
POLICY, REJECTED, VIOLATION = Reason.ACCESS_POLICY, Reason.AUTH_REJECTED, Reason.PROTOCOL_VIOLATION
LOST, MAILBOX = Reason.PUSH_CHANNEL_LOST, Reason.MAILBOX_UNAVAILABLE
CODE_REASONS: Mapping[Reason, tuple[int, ...]] = MappingProxyType(
    {
        ERROR: (1, 6, 10, 13, 15, 17),
        MISCONFIG: (2, 3, 4, 5, 7, 9, 12),
        REJECTED: (8,),
        POLICY: (11, 16),
        VIOLATION: (14,),
        BUSY: (18,),
    }
)
"""`X-ResponseCode` (MS-OXCMAPIHTTP section 2.2.3.3.3 up to 13; 15 to 18 as servers have been seen to use them)."""
CONTEXT_CODES = frozenset({6, 10, 13, 15})
"""The session is not where the request came to: a client connects anew, once, before it is the server's error."""
MISSING_COOKIE = 13
CONNECT_REASONS: Mapping[Reason, tuple[int, ...]] = MappingProxyType(
    {
        POLICY: (0x80070005, 0x4E0, 0x7D8),
        MISCONFIG: (0x3EB, 0x3F2, 0x80040110, 0x4DF, 0x4E1),
        MAILBOX: (0x80040111,),
        ERROR: (0x80040115,),
    }
)
"""`ErrorCode` of Connect (MS-OXCRPC section 3.1.4.1, 3.1.4.11)."""
UNKNOWN_USER = 0x3EB
WRONG_SERVER = 0x478


def _codes() -> dict[int, Kind]:
    return {code: Kind(f"mapi_code_{code}", reason) for reason, codes in CODE_REASONS.items() for code in codes}


def _connects() -> dict[int, Kind]:
    return {
        code: Kind(f"mapi_connect_{code:08x}", reason) for reason, codes in CONNECT_REASONS.items() for code in codes
    }


CODES: Mapping[int, Kind] = MappingProxyType(_codes())
CONNECTS: Mapping[int, Kind] = MappingProxyType(_connects())
UNKNOWN_CODE = Kind("mapi_unknown_code", VIOLATION)
CODE_MISSING = Kind("mapi_code_missing", VIOLATION)
MALFORMED = Kind("mapi_body_malformed", VIOLATION)
WRONG_ANSWER = Kind("mapi_wrong_answer", VIOLATION)
REQUEST_FAILED = Kind("mapi_request_failed", ERROR)
CONNECT_FAILED = Kind("mapi_connect_failed", ERROR)
CONTEXT_MISSING = Kind("mapi_context_not_given", VIOLATION)
MAILBOX_GONE = Kind("mapi_mailbox_gone", MAILBOX)
NO_SESSION = Kind("mapi_no_session", MAILBOX)
"""Connect itself is told that its context is not there: the front end has no mailbox server to make one on."""
NO_DN = Kind("mapi_user_dn_unknown", MISCONFIG)
NOT_OFFERED = Kind("mapi_not_offered", MISCONFIG)
EXECUTE_FAILED = Kind("mapi_execute_failed", ERROR)
OPERATION_FAILED = Kind("mapi_logon_refused", MAILBOX)
ELSEWHERE = Kind("mapi_wrong_server", Reason.REDIRECT_LOOP)
REGISTRATION_FAILED = Kind("mapi_notification_refused", ERROR)
WAIT_SILENT = Kind("mapi_wait_silent", LOST)
WAIT_LOST = Kind("mapi_wait_lost", LOST)
WAIT_MISSED = Kind("mapi_wait_missed", LOST)
WAIT_REFUSED = Kind("mapi_wait_refused", LOST)


def refusal(code: str, evidence: Mapping[str, str]) -> FaultError:
    """Return what an `X-ResponseCode` other than 0 means."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 6 else -1
    kind = CODES.get(number, UNKNOWN_CODE)
    return FaultError(kind, {"mapi_code": str(number) if number >= 0 else "other", **evidence})


def connect_refusal(error: int, evidence: Mapping[str, str]) -> FaultError:
    """Return what the `ErrorCode` of a Connect that began no session means."""
    return FaultError(CONNECTS.get(error, CONNECT_FAILED), {"error": f"{error:#010x}", **evidence})


def response_code(fault: Fault) -> int:
    """Return the `X-ResponseCode` that a fault carries, 0 where it carries none."""
    code = fault.evidence.get("mapi_code", "")
    return int(code) if code.isdigit() else 0


def context_lost(fault: Fault) -> bool:
    """Whether a fault says that the session is not, or not any more, where we asked."""
    return response_code(fault) in CONTEXT_CODES
