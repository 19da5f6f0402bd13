"""The request line: which command, for whom, from which device, in plain words or packed (MS-ASHTTP 2.2.1.1.1)."""

import base64
import binascii
import struct
from dataclasses import dataclass
from urllib.parse import unquote

from prober.simulator.http.message import Request

COMMANDS = (
    *("Sync", "SendMail", "SmartForward", "SmartReply", "GetAttachment", "", "", "", "", "FolderSync", "FolderCreate"),
    *("FolderDelete", "FolderUpdate", "MoveItems", "GetItemEstimate", "MeetingResponse", "Search", "Settings", "Ping"),
    *("ItemOperations", "Provision", "ResolveRecipients", "ValidateCert", "Find"),
)
"""By command code (MS-ASHTTP 2.2.1.1.1.1.2)."""
USER = 8


@dataclass(frozen=True, slots=True)
class Line:
    """What the request line and its headers say. `version` such as `16.1`, `policy_key` in decimal, empty for none."""

    command: str = ""
    user: str = ""
    device_id: str = ""
    device_type: str = ""
    version: str = ""
    policy_key: str = ""


def read_line(request: Request) -> Line:
    """Return the request line in either form; what it does not say stays empty."""
    query = request.target.partition("?")[2]
    if query and "=" not in query.rstrip("="):
        packed = _packed(unquote(query))
        if packed is not None:
            return packed
    return Line(
        request.query.get("Cmd", ""),
        request.query.get("User", ""),
        request.query.get("DeviceId", ""),
        request.query.get("DeviceType", ""),
        request.header("ms-asprotocolversion"),
        request.header("x-ms-policykey").strip(),
    )


def _packed(query: str) -> Line | None:
    """Read the base64 form; `None` for what is not one."""
    try:
        raw = base64.b64decode(query, validate=True)
        version, code = raw[0], raw[1]
        device, rest = _counted(raw[4:])
        key, rest = _counted(rest)
        kind, rest = _counted(rest)
        user = _parameters(rest).get(USER, b"").decode()
        if code >= len(COMMANDS) or len(key) not in (0, 4):
            return None
        policy = str(struct.unpack("<I", key)[0]) if key else ""
        return Line(COMMANDS[code], user, device.decode(), kind.decode(), f"{version // 10}.{version % 10}", policy)
    except (binascii.Error, IndexError, ValueError):
        return None


def _counted(raw: bytes) -> tuple[bytes, bytes]:
    length = raw[0]
    if len(raw) < length + 1:
        raise ValueError("shorter than it says")
    return raw[1 : length + 1], raw[length + 1 :]


def _parameters(raw: bytes) -> dict[int, bytes]:
    found = {}
    while raw:
        tag = raw[0]
        found[tag], raw = _counted(raw[1:])
    return found
