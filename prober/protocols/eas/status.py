"""What ActiveSync says when it says no (MS-ASCMD section 2.2.2, 2.2.3.177; MS-ASPROV section 2.2.2.54).

A status belongs to a command, or, from 101 on, to all of them. Codes are `eas_<command>_<status>` and `eas_<status>`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.vocabulary import Domain

OK = "1"
ERROR, BUSY, POLICY, MISCONFIG = Reason.SERVER_ERROR, Reason.SERVER_BUSY, Reason.ACCESS_POLICY, Reason.CLIENT_MISCONFIG
MAILBOX, REJECTED, TIMEOUT = Reason.MAILBOX_UNAVAILABLE, Reason.AUTH_REJECTED, Reason.READ_TIMEOUT
GLOBAL_REASONS: Mapping[Reason, tuple[int, ...]] = MappingProxyType(
    {
        MISCONFIG: (
            *(101, 102, 103, 104, 105, 106, 107, 108, 109, 113, 115, 116, 117, 118, 119, 121, 122, 123, 127, 128),
            *(137, 138, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 160, 161, 164, 165, 166, 173, 174),
            *(175, 176, 177),
        ),
        ERROR: (110, 120, 132, 134, 135, 136, 163, 170),
        BUSY: (111, 133, 162, 169),
        POLICY: (112, 126, 129, 130, 139, 140, 141, 142, 143, 144, 145, 167, 168, 171, 172),
        MAILBOX: (114, 125),
        REJECTED: (124, 131),
    }
)
COMMAND_REASONS: Mapping[str, Mapping[int, Reason]] = MappingProxyType(
    {
        "folder_sync": {6: ERROR, 9: ERROR, 10: MISCONFIG, 11: ERROR, 12: MAILBOX},
        "sync": {
            3: ERROR,
            4: MISCONFIG,
            5: ERROR,
            6: ERROR,
            7: ERROR,
            8: ERROR,
            9: MISCONFIG,
            12: ERROR,
            13: ERROR,
            14: MISCONFIG,
            15: MISCONFIG,
            16: BUSY,
        },
        "estimate": {2: ERROR, 3: ERROR, 4: ERROR},
        "settings": {2: MISCONFIG, 3: POLICY, 4: BUSY, 5: MISCONFIG, 6: MISCONFIG, 7: POLICY},
        "item_operations": {
            2: MISCONFIG,
            3: ERROR,
            4: MISCONFIG,
            5: POLICY,
            6: ERROR,
            7: ERROR,
            8: ERROR,
            9: ERROR,
            10: ERROR,
            11: ERROR,
            12: ERROR,
            14: ERROR,
            15: MISCONFIG,
            16: POLICY,
            17: ERROR,
            18: REJECTED,
        },
        "search": {
            2: MISCONFIG,
            3: ERROR,
            4: MISCONFIG,
            5: POLICY,
            6: ERROR,
            7: ERROR,
            8: MISCONFIG,
            10: TIMEOUT,
            11: ERROR,
            12: MISCONFIG,
            13: POLICY,
            14: REJECTED,
        },
        "ping": {3: MISCONFIG, 4: MISCONFIG, 5: MISCONFIG, 6: MISCONFIG, 7: ERROR, 8: ERROR},
        "provision": {2: MISCONFIG, 3: ERROR},
        "policy": {3: MISCONFIG, 4: ERROR, 5: ERROR},
        "send_mail": {},
    }
)
NOT_PROVISIONED = frozenset({"142", "143", "144"})


def _globals() -> dict[str, Kind]:
    kinds = {str(code): Kind(f"eas_{code}", reason) for reason, codes in GLOBAL_REASONS.items() for code in codes}
    return kinds | {"140": Kind("eas_remote_wipe", Reason.ACCESS_POLICY)}


def _commands() -> dict[tuple[str, str], Kind]:
    return {
        (command, str(code)): Kind(f"eas_{command}_{code}", reason)
        for command, reasons in COMMAND_REASONS.items()
        for code, reason in reasons.items()
    }


GLOBAL: Mapping[str, Kind] = MappingProxyType(_globals())
COMMAND: Mapping[tuple[str, str], Kind] = MappingProxyType(_commands())
REMOTE_WIPE = GLOBAL["140"]
UNKNOWN_STATUS = Kind("eas_unknown_status", Reason.PROTOCOL_VIOLATION)
MISSING = Kind("eas_element_missing", Reason.PROTOCOL_VIOLATION)
WRONG_ROOT = Kind("eas_wrong_answer", Reason.PROTOCOL_VIOLATION)
NO_INBOX = Kind("eas_no_inbox", Reason.MAILBOX_UNAVAILABLE)
NEEDS_PROVISIONING = Kind("eas_http_449", Reason.ACCESS_POLICY)
MOVED = Kind("eas_moved", Reason.REDIRECT_LOOP)
VERSION_RETIRED = Kind("eas_version_retired", Reason.CLIENT_MISCONFIG, Domain.POLICY)
VERSION_NOT_OFFERED = Kind("eas_version_not_offered", Reason.CLIENT_MISCONFIG)
COMMANDS_NOT_OFFERED = Kind("eas_commands_not_offered", Reason.PROTOCOL_VIOLATION)
ANONYMOUS_ALLOWED = Kind("eas_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE)
ANONYMOUS_FORBIDDEN = Kind("eas_anonymous_forbidden", Reason.UNEXPECTED_CHALLENGE)
PING_TOO_EARLY = Kind("eas_ping_too_early", Reason.PUSH_CHANNEL_LOST)
PING_LOST = Kind("eas_ping_lost", Reason.PUSH_CHANNEL_LOST)
PING_MISSED = Kind("eas_ping_missed", Reason.PUSH_CHANNEL_LOST)
SYNC_TOO_EARLY = Kind("eas_sync_too_early", Reason.PUSH_CHANNEL_LOST)
SYNC_LOST = Kind("eas_sync_lost", Reason.PUSH_CHANNEL_LOST)
SYNC_MISSED = Kind("eas_sync_missed", Reason.PUSH_CHANNEL_LOST)
ADDRESS_UNKNOWN = Kind("eas_address_not_listed", Reason.CLIENT_MISCONFIG)
ITEM_MISSING = Kind("eas_item_missing", Reason.MAILBOX_UNAVAILABLE)


def check(command: str, status: str, *, fine: tuple[str, ...] = (OK,)) -> str:
    """Return `status` when it is one of `fine`. Raises `FaultError` with the kind of any other."""
    if status in fine:
        return status
    if not status:
        raise FaultError(MISSING, {"command": command, "element": "Status"})
    kind = COMMAND.get((command, status)) or GLOBAL.get(status)
    if kind is None:
        raise FaultError(UNKNOWN_STATUS, {"command": command, "eas_status": status[:8]})
    raise FaultError(kind, {"command": command, "eas_status": status})


def eas_status(fault: Fault) -> str:
    """Return the ActiveSync status that a fault carries, or nothing."""
    return fault.evidence.get("eas_status", "")
