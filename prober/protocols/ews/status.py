"""What Exchange Web Services say when they say no (MS-OXWSCDATA; Learn, "EWS throttling in Exchange").

Rule of this file: a response code has one row and one reason; `ErrorServerBusy` alone has two, for with a back-off it
speaks of us, and without one of the server. A code that has no row is the server's error, whatever it means.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.vocabulary import Domain

OK = "NoError"
BUSY = "ErrorServerBusy"
BAD_STATE = "ErrorInvalidSyncStateData"
NOT_FOUND = "ErrorItemNotFound"
DENIED = "ErrorAccessDenied"
MISSED = "ErrorMissedNotificationEvents"
CODES: Mapping[Reason, tuple[str, ...]] = MappingProxyType(
    {
        Reason.THROTTLED: (
            *("ErrorTooManyObjectsOpened", "ErrorExceededConnectionCount", "ErrorExceededFindCountLimit"),
            "ErrorExceededSubscriptionCount",
        ),
        Reason.SERVER_BUSY: (
            *("ErrorTimeoutExpired", "ErrorInternalServerTransientError", "ErrorInsufficientResources"),
            BUSY,
        ),
        Reason.SERVER_ERROR: (
            *("ErrorInternalServerError", "ErrorBatchProcessingStopped", "ErrorADOperation", "ErrorADUnavailable"),
            *("ErrorProxyRequestProcessingFailed", "ErrorProxyCallFailed", "ErrorProxyServiceDiscoveryFailed"),
            *("ErrorProxiedSubscriptionCallFailure", "ErrorNoRespondingCASInDestinationSite"),
            *("ErrorServiceDiscoveryFailed", "ErrorAutoDiscoverFailed", "ErrorFreeBusyGenerationFailed"),
            *("ErrorContentConversionFailed", "ErrorCorruptData", "ErrorDataSourceOperation"),
            *("ErrorReadEventsFailed", NOT_FOUND, BAD_STATE),
        ),
        Reason.MAILBOX_UNAVAILABLE: (
            *("ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorConnectionFailed"),
            *("ErrorConnectionFailedTransientError", "ErrorMailboxFailover", "ErrorMailboxLogonFailed"),
            "ErrorMailboxConfiguration",
        ),
        Reason.CLIENT_MISCONFIG: (
            *("ErrorNonExistentMailbox", "ErrorInvalidUserPrincipalName", "ErrorInvalidSmtpAddress"),
            *("ErrorMailRecipientNotFound", "ErrorMissingEmailAddress", "ErrorSchemaValidation"),
            *("ErrorInvalidRequest", "ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion"),
            *("ErrorWrongServerVersion", "ErrorInvalidId", "ErrorInvalidIdMalformed", "ErrorFolderNotFound"),
            *("ErrorImpersonationRequired", "ErrorInvalidExchangeImpersonationHeaderData"),
            *("ErrorInvalidSubscriptionRequest", "ErrorInvalidPropertyRequest", "ErrorInvalidTimeInterval"),
            *("ErrorTimeZone", "ErrorInvalidMergedFreeBusyInterval", "ErrorQuotaExceeded"),
        ),
        Reason.ACCESS_POLICY: (
            *(DENIED, "ErrorImpersonateUserDenied", "ErrorImpersonationFailed", "ErrorAccountDisabled"),
            *("ErrorSubscriptionAccessDenied", "ErrorSubscriptionDelegateAccessNotSupported", "ErrorInvalidLicense"),
            *(
                "ErrorNoFreeBusyAccess",
                "ErrorNotDelegate",
                "ErrorUserNotAllowedByPolicy",
                "ErrorCreateItemAccessDenied",
            ),
            "ErrorDeleteItemAccessDenied",
        ),
        Reason.AUTH_REJECTED: ("ErrorPasswordExpired", "ErrorPasswordChangeRequired"),
        Reason.PUSH_CHANNEL_LOST: (
            *(MISSED, "ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorInvalidSubscription"),
            *("ErrorInvalidWatermark", "ErrorSubscriptionUnsubscribed"),
        ),
    }
)
NAME = re.compile(r"Error[A-Za-z]{1,60}")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ABOUT_EWS = re.compile(r"\b(?:EWS|Exchange Web Services)\b", re.IGNORECASE)
SWITCHED_OFF = re.compile(r"\b(?:disabled|not enabled|blocked|not allowed|retired|turned off)\b", re.IGNORECASE)


def _kinds() -> dict[str, Kind]:
    return {
        code: Kind(f"ews_{HUMP.sub('_', code.removeprefix('Error')).lower()}", reason)
        for reason, codes in CODES.items()
        for code in codes
    }


BY_CODE: Mapping[str, Kind] = MappingProxyType(_kinds())
HELD_BACK = Kind("ews_back_off", Reason.THROTTLED)
UNKNOWN_CODE = Kind("ews_unknown_code", Reason.SERVER_ERROR)
SWITCHED_OFF_FOR_TENANT = Kind("ews_switched_off", Reason.CLIENT_MISCONFIG, Domain.POLICY)
RETIRED = Kind("ews_retired", Reason.CLIENT_MISCONFIG, Domain.POLICY)
REQUEST_REFUSED = Kind("ews_fault_of_client", Reason.CLIENT_MISCONFIG)
SERVER_FAULT = Kind("ews_fault_of_server", Reason.SERVER_ERROR)
SERVER_ERROR_PAGE = Kind("ews_server_error_page", Reason.SERVER_ERROR)
ACCOUNT_LOCKED = Kind("ews_account_locked", Reason.AUTH_REJECTED)
NOT_SOAP = Kind("ews_not_soap", Reason.PROTOCOL_VIOLATION)
WRONG_ANSWER = Kind("ews_wrong_answer", Reason.PROTOCOL_VIOLATION)
MISSING = Kind("ews_element_missing", Reason.PROTOCOL_VIOLATION)
MALFORMED = Kind("ews_malformed_value", Reason.PROTOCOL_VIOLATION)
NO_URL = Kind("ews_url_missing", Reason.PROTOCOL_VIOLATION)
NO_FOLDERS = Kind("ews_no_folders", Reason.MAILBOX_UNAVAILABLE)
STREAM_SILENT = Kind("ews_stream_silent", Reason.PUSH_CHANNEL_LOST)
STREAM_LOST = Kind("ews_stream_lost", Reason.PUSH_CHANNEL_LOST)
STREAM_MISSED = Kind("ews_stream_missed", Reason.PUSH_CHANNEL_LOST)


def refusal(
    code: str, evidence: Mapping[str, str], *, text: str = "", back_off: float | None = None, after: float | None = None
) -> FaultError:
    """Return what a response code means.

    `text` is the message beside it, looked at and never kept. `back_off` is the server's wish in seconds from the
    message, `after` that of message and headers together, which goes first.
    """
    named = {**evidence, "response_code": code} if NAME.fullmatch(code) else dict(evidence)
    return FaultError(_kind(code, text, back_off), named, retry_after=back_off if after is None else after)


def _kind(code: str, text: str, back_off: float | None) -> Kind:
    if code == BUSY and back_off is not None:
        return HELD_BACK
    if code == DENIED and ABOUT_EWS.search(text) and SWITCHED_OFF.search(text):
        return SWITCHED_OFF_FOR_TENANT
    return BY_CODE.get(code, UNKNOWN_CODE)


def response_code(fault: Fault) -> str:
    """Return the response code that a fault carries, or nothing."""
    return fault.evidence.get("response_code", "")
