"""SOAP 1.1 as Exchange Web Services speaks it: what a request says, and the frame of every answer (MS-OXWSCDATA).

Rule of this file: a request that cannot be understood is a fault on status 500; one that is understood and refused is
a response message with a code, on 200.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.simulator.http.markup import Element, el, local, parse, space, spaced, text_of, written
from prober.simulator.http.message import Reply, xml_reply
from prober.simulator.tenant import SERVER, Site

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
S, M, T = f"{{{ENVELOPE}}}", f"{{{MESSAGES}}}", f"{{{TYPES}}}"
BACK_OFF = "BackOffMilliseconds"
BUSY = "ErrorServerBusy"
SCHEMA = "ErrorSchemaValidation"
LAST_OF_SYNC: Mapping[str, str] = MappingProxyType(
    {"SyncFolderItems": "IncludesLastItemInRange", "SyncFolderHierarchy": "IncludesLastFolderInRange"}
)
IDENTITIES = ("PrimarySmtpAddress", "SmtpAddress", "PrincipalName")
VERSIONS = frozenset(
    {
        *("", "Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"),
        *("Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2015_10_05", "V2016_01_06"),
        *("V2016_04_13", "V2016_07_13", "V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11", "V2018_01_08"),
    }
)


class Malformed(Exception):  # noqa: N818 - a signal: the service words the fault
    """The request does not follow the schema."""


class Refused(Exception):  # noqa: N818 - a signal: it becomes a response message
    """The request is refused with a `ResponseCode`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `operation` as `GetFolder`; `element` is its content; `acting_for` the mailbox impersonated.

    `impersonates`: the header is there, whatever it names.
    """

    operation: str
    element: Element
    version: str
    acting_for: str
    impersonates: bool


def read(body: bytes) -> Call | None:
    """Return what a request says, `None` where it is no envelope with one operation of this protocol in it."""
    root = parse(body)
    content = root.find(f"{S}Body") if root is not None and root.tag == f"{S}Envelope" else None
    if root is None or content is None or len(content) != 1 or space(content[0]) != MESSAGES:
        return None
    head = root.find(f"{S}Header")
    identity = head.find(f"{T}ExchangeImpersonation") if head is not None else None
    names = (text_of(identity, f"{T}ConnectingSID/{T}{name}") for name in IDENTITIES)
    acting_for = next((name for name in names if name), "")
    asked = head.find(f"{T}RequestServerVersion") if head is not None else None
    version = asked.get("Version", "") if asked is not None else ""
    operation = local(content[0]).removesuffix("Request")
    return Call(operation, content[0], version, acting_for, identity is not None)


def success(operation: str, *content: Element | None) -> Element:
    """Return one response message that says `NoError`."""
    return message(f"m:{operation}ResponseMessage", "Success", "NoError", "", *content)


def failure(operation: str, refused: Refused, back_off_ms: int = 0) -> Element:
    """Return one response message with an error; with `back_off_ms`, how long to stay away.

    Those of synchronisation have an empty state all the same, which clients read before they look at the code.
    """
    made = error(f"m:{operation}ResponseMessage", refused, back_off_ms)
    if operation in LAST_OF_SYNC:
        made.extend((el("m:SyncState"), el(f"m:{LAST_OF_SYNC[operation]}", "true")))
    return made


def error(tag: str, refused: Refused, back_off_ms: int = 0) -> Element:
    """Return an error message under a name of its own."""
    value = el("m:MessageXml", el("t:Value", str(back_off_ms), Name=BACK_OFF)) if back_off_ms else None
    return message(tag, "Error", refused.code, refused.text, el("m:DescriptiveLinkKey", "0"), value)


def message(tag: str, kind: str, code: str, text: str, *content: Element | None) -> Element:
    """Return a response message; `kind` is `Success`, `Warning` or `Error`."""
    said = el("m:MessageText", text) if text else None
    return el(tag, said, el("m:ResponseCode", code), *content, ResponseClass=kind)


def response(operation: str, *messages: Element) -> Element:
    """Return the answer of an operation: its response messages in order of what was asked."""
    return el(f"m:{operation}Response", el("m:ResponseMessages", *messages))


def document(content: Element, site: Site | None) -> bytes:
    """Return the envelope around `content`, with the version of the server."""
    frame = el("s:Envelope", _head(site), el("s:Body", content))
    return written(spaced(frame, s=ENVELOPE, m=MESSAGES, t=TYPES))


def _head(site: Site | None) -> Element:
    own = site is not None and site.environment == SERVER
    numbers = ("15", "2", "1544", "11", "V2017_07_11") if own else ("15", "20", "9200", "10", "V2018_01_08")
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber", "Version")
    info = el("h:ServerVersionInfo", **dict(zip(names, numbers, strict=True)))
    return el("s:Header", spaced(info, h=TYPES))


def fault(code: str, text: str, site: Site | None = None, *, back_off_ms: int = 0) -> Reply:
    """Refuse a request as a whole (SOAP 1.1 section 4.4); the detail has the code as clients look for it."""
    waits = el("t:MessageXml", el("t:Value", str(back_off_ms), Name=BACK_OFF)) if back_off_ms else None
    refusal = el(
        "s:Fault",
        spaced(el("faultcode", f"a:{code}"), a=TYPES),
        el("faultstring", text),
        spaced(el("detail", el("e:ResponseCode", code), el("e:Message", text), waits), e=ERRORS, t=TYPES),
    )
    return xml_reply(written(spaced(el("s:Envelope", _head(site), el("s:Body", refusal)), s=ENVELOPE)), 500)
