"""What all commands have in common: the request line, the headers, and how an answer is opened (MS-ASHTTP section 2.2).

Rule of this file: an answer that is not what the command allows is a fault, whatever its HTTP status says.
"""

import base64
import struct
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import EMPTY_REPLY, FaultError
from prober.protocols.eas import status
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http
from prober.protocols.wbxml.codec import Element, decode
from prober.record import record

CONTENT_TYPE = "application/vnd.ms-sync.wbxml"
CODES: Mapping[str, int] = MappingProxyType(
    {
        "Sync": 0,
        "SendMail": 1,
        "SmartForward": 2,
        "SmartReply": 3,
        "GetAttachment": 4,
        "FolderSync": 9,
        "FolderCreate": 10,
        "FolderDelete": 11,
        "FolderUpdate": 12,
        "MoveItems": 13,
        "GetItemEstimate": 14,
        "MeetingResponse": 15,
        "Search": 16,
        "Settings": 17,
        "Ping": 18,
        "ItemOperations": 19,
        "Provision": 20,
        "ResolveRecipients": 21,
        "ValidateCert": 22,
        "Find": 23,
    }
)
"""Command codes of the base64 query (MS-ASHTTP section 2.2.1.1.1.1.2)."""
ENGLISH = 0x0409
PHONES = 4096  # whose names are kept as the query has them


@record
class Phone:
    """Who asks: endpoint, user, device, protocol version (`14.1`) and policy key (empty: not provisioned)."""

    url: str
    user: str
    device_id: str
    device_type: str
    version: str
    policy_key: str = ""
    base64_query: bool = False

    def __repr__(self) -> str:
        return f"Phone({self.version})"


def plain_query(phone: Phone, command: str) -> str:
    """Return the query in words (MS-ASHTTP section 2.2.1.1.1.2)."""
    return f"Cmd={command}&{_names(phone.user, phone.device_id, phone.device_type)}"


@lru_cache(PHONES)
def _names(user: str, device_id: str, device_type: str) -> str:
    """Return what the query of every command of one phone says: quoting it costs more than the rest of a request."""
    fields = {"User": user, "DeviceId": device_id, "DeviceType": device_type}
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


def base64_query(phone: Phone, command: str, locale: int = ENGLISH) -> str:
    """Return the query as standard base64 of its packed form (MS-ASHTTP section 2.2.1.1.1.1)."""
    device, kind = phone.device_id.encode("ascii"), phone.device_type.encode("ascii")
    key = struct.pack("<I", int(phone.policy_key)) if phone.policy_key not in ("", "0") else b""
    version = int(phone.version.replace(".", ""))
    packed = struct.pack("<BBH", version, CODES[command], locale)
    for part in (device, key, kind):
        packed += bytes((len(part),)) + part
    return base64.b64encode(packed).decode()


def request(phone: Phone, command: str, body: bytes, *, hold: float = 0.0) -> Call:
    """Return the POST of one command with its document."""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", CONTENT_TYPE),)
    if phone.base64_query:
        query = base64_query(phone, command)
    else:
        query = plain_query(phone, command)
        headers += (("MS-ASProtocolVersion", phone.version), ("X-MS-PolicyKey", phone.policy_key or "0"))
    joint = "&" if "?" in phone.url and urlsplit(phone.url).query else "?"
    return Call("POST", f"{phone.url}{joint}{query}", headers, body, Auth.CREDENTIAL, hold)


def open_reply(reply: Reply, root: str, *, may_be_empty: bool = False) -> Element | None:
    """Return the answer's root element, `None` for a rightly empty one. Raises `FaultError`."""
    if reply.status == 449:
        raise FaultError(status.NEEDS_PROVISIONING, {"http_status": "449", **diagnostics.evidence(reply.headers)})
    if reply.status == 451:
        location = reply.headers.get("x-ms-location")
        raise MovedError(location)
    if reply.status != 200:
        raise http.fault(reply)
    if not reply.body:
        if may_be_empty:
            return None
        raise FaultError(EMPTY_REPLY, diagnostics.evidence(reply.headers))
    http.refuse_html(reply)
    found = decode(reply.body)
    if found.name != root:
        raise FaultError(status.WRONG_ROOT, {"wanted": root, "got": found.name})
    return found


def opened(reply: Reply, root: str) -> Element:
    """Return the answer's root element. Raises `FaultError`, also for an empty answer."""
    found = open_reply(reply, root)
    if found is None:
        raise FaultError(EMPTY_REPLY)
    return found


class MovedError(FaultError):
    """451: the mailbox is served elsewhere (MS-ASHTTP section 3.1.5.2.2). Unhandled, it is a redirect loop."""

    def __init__(self, location: str) -> None:
        super().__init__(status.MOVED, {"http_status": "451"})
        self.url = _https(location)


def _https(location: str) -> str:
    """Return `location` without user name, query and fragment; nothing where it is no URL over TLS."""
    try:
        parts = urlsplit(location)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not location.isascii() or parts.scheme != "https" or not host or ":" in host:
        return ""
    return f"https://{host}{f':{port}' if port is not None else ''}{parts.path}"


def require(found: Element, *path: str) -> str:
    """Return the text at `path`; an element that is not there is a fault."""
    text = found.at(*path)
    if not text:
        raise FaultError(status.MISSING, {"element": path[-1]})
    return text
