"""SOAP 1.1 as Exchange Web Services speak it: the envelope of every request, and how an answer is opened.

Sources: MS-OXWSCDATA; Learn, "EWS throttling in Exchange" and "Maintain affinity between a group of subscriptions and
the Mailbox server". Rule of this file: elements are known by their local names, for the service's own documentation
prints its namespaces now with http and now with https.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from prober.exchange import Auth, Call, Headers, Reply
from prober.faults.taxonomy import EMPTY_REPLY, FaultError
from prober.protocols.ews import status
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
VERSION = "Exchange2013_SP1"
CONTENT_TYPE = "text/xml; charset=utf-8"
BACK_OFF = "BackOffMilliseconds"
BUILD = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: endpoint and mailbox.

    `impersonates`: the token is an application's, and the request acts for the mailbox. `affinity`: later requests are
    to reach the same server, as subscriptions need.
    """

    url: str
    mailbox: str = field(repr=False)
    impersonates: bool = False
    affinity: bool = False


def request(caller: Caller, content: str) -> Call:
    """Return the POST of one operation; `content` is the inside of the SOAP body, with prefixes `m` and `t`."""
    headers = [("Content-Type", CONTENT_TYPE), ("Accept", "text/xml"), ("X-AnchorMailbox", caller.mailbox)]
    if caller.affinity:
        headers.append(("X-PreferServerAffinity", "true"))
    return Call("POST", caller.url, tuple(headers), _envelope(caller, content).encode(), Auth.CREDENTIAL)


def _envelope(caller: Caller, content: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}" xmlns:m="{MESSAGES}" '
        f'xmlns:t="{TYPES}"><soap:Header><t:RequestServerVersion Version="{VERSION}"/>{_acting(caller)}</soap:Header>'
        f"<soap:Body>{content}</soap:Body></soap:Envelope>"
    )


def _acting(caller: Caller) -> str:
    if not caller.impersonates:
        return ""
    address = f"<t:PrimarySmtpAddress>{quoted(caller.mailbox)}</t:PrimarySmtpAddress>"
    return f"<t:ExchangeImpersonation><t:ConnectingSID>{address}</t:ConnectingSID></t:ExchangeImpersonation>"


def quoted(text: str) -> str:
    """Return `text` as it may stand in an element or between double quotes."""
    return escape(text, {'"': "&quot;"})


def folder(caller: Caller, name: str) -> str:
    """Return a distinguished folder's id that names the mailbox: without it, the folder of whoever signs in."""
    owner = f"<t:Mailbox><t:EmailAddress>{quoted(caller.mailbox)}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="{name}">{owner}</t:DistinguishedFolderId>'


def shape(kind: str, *fields: str) -> str:
    """Return an `ItemShape` or `FolderShape`: ids, and the properties named."""
    paths = "".join(f'<t:FieldURI FieldURI="{one}"/>' for one in fields)
    more = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return f"<m:{kind}><t:BaseShape>IdOnly</t:BaseShape>{more}</m:{kind}>"


# -- answers -------------------------------------------------------------------------------------------------------


def answered(reply: Reply, operation: str) -> Element:
    """Return the answer of an operation, faults apart. Raises `FaultError`.

    Order of evidence: what the envelope says, then what headers and status say, then what came instead of one.
    """
    root = parse(reply.body)
    if root is None or local(root) != "Envelope":
        raise _without_envelope(reply)
    return content_of(root, operation, reply.headers, reply.status)


def content_of(root: Element, operation: str, headers: Headers, http_status: int = 200) -> Element:
    """Return the answer of an operation in an envelope. Raises `FaultError` for a SOAP fault and for another answer."""
    refused = find(root, "Body", "Fault")
    if refused is not None:
        raise _refusal(refused, operation, headers, http_status)
    answer = find(root, "Body", f"{operation}Response")
    if http_status != 200:
        for one in children(answer, "ResponseMessages") if answer is not None else ():
            check(one, operation, headers)
        raise http.fault(Reply(http_status, headers))
    if answer is None:
        raise FaultError(status.WRONG_ANSWER, _evidence(operation, headers))
    return answer


def messages(answer: Element, operation: str, headers: Headers) -> tuple[Element, ...]:
    """Return the response messages of an answer, when each of them is a success. Raises `FaultError`."""
    array = find(answer, "ResponseMessages")
    found = tuple(array) if array is not None else ()
    if not found:
        raise missing("ResponseMessages", operation)
    for one in found:
        check(one, operation, headers)
    return found


def only(reply: Reply, operation: str) -> Element:
    """Return the first response message of an answer, all of them being successes. Raises `FaultError`."""
    return messages(answered(reply, operation), operation, reply.headers)[0]


def check(message: Element, operation: str, headers: Headers) -> None:
    """Raise `FaultError` unless a response message says `NoError`."""
    code, success = text(message, "ResponseCode"), message.get("ResponseClass") == "Success"
    if success and code == status.OK:
        return
    if code in ("", status.OK):
        raise missing("ResponseCode", operation)
    raise status.refusal(
        code,
        _evidence(operation, headers),
        text=text(message, "MessageText"),
        back_off=_back_off(message),
        after=_wait(_back_off(message), headers),
    )


def _refusal(refused: Element, operation: str, headers: Headers, http_status: int) -> FaultError:
    """Return what a SOAP fault means (SOAP 1.1 section 4.4); Exchange puts the response code into its detail."""
    evidence = {"http_status": str(http_status), **_evidence(operation, headers)}
    said, detail = text(refused, "faultcode").rpartition(":")[2], find(refused, "detail")
    code = text(detail, "ResponseCode") if detail is not None else ""
    code = code or (said if status.NAME.fullmatch(said) else "")
    if code:
        back_off = _back_off(detail) if detail is not None else None
        words = text(refused, "faultstring")
        return status.refusal(code, evidence, text=words, back_off=back_off, after=_wait(back_off, headers))
    return FaultError(status.REQUEST_REFUSED if said == "Client" else status.SERVER_FAULT, evidence)


def _back_off(message: Element) -> float | None:
    """Return the seconds that the server wants to be left alone (Learn, "EWS throttling in Exchange")."""
    value = find(message, "MessageXml")
    for one in value if value is not None else ():
        found = (one.text or "").strip()
        if one.get("Name") == BACK_OFF and _is_number(found):
            return int(found) / 1000
    return None


def _wait(back_off: float | None, headers: Headers) -> float | None:
    """Return the server's wish: `Retry-After` goes first, then the message, then the other headers."""
    said = http.said_after(headers)
    if said is not None:
        return said
    return http.retry_after(headers) if back_off is None else back_off


def _without_envelope(reply: Reply) -> FaultError:
    evidence, said = _evidence("", reply.headers), reply.body[:4096].lower()
    if reply.status in (401, 500) and b"account" in said and b"locked out" in said:
        return FaultError(status.ACCOUNT_LOCKED, evidence)
    named = reply.headers.get("x-caserrorcode").strip()
    if named in status.BY_CODE:
        return status.refusal(named, evidence, after=http.retry_after(reply.headers))
    if reply.status != 200:
        return http.fault(reply)
    if b"server error in '" in said:
        return FaultError(status.SERVER_ERROR_PAGE, evidence)
    if not reply.body:
        return FaultError(EMPTY_REPLY, evidence)
    try:
        http.refuse_html(reply)
    except FaultError as error:
        return error
    return FaultError(status.NOT_SOAP, evidence)


def _evidence(operation: str, headers: Headers) -> dict[str, str]:
    kept = diagnostics.evidence(headers)
    return {"operation": operation, **kept} if operation else kept


# -- elements ------------------------------------------------------------------------------------------------------


def parse(body: bytes) -> Element | None:
    """Return the root of a document without entities, `None` where there is none."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):  # LookupError: an encoding nobody knows
        return None
    return root


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def find(element: Element, *path: str) -> Element | None:
    """Return the first element at `path`, child by child, `None` where there is none."""
    found: Element | None = element
    for name in path:
        found = next((child for child in found if local(child) == name), None) if found is not None else None
    return found


def children(element: Element, *path: str) -> Iterator[Element]:
    """Give the children of the element at `path`; none where it is not there."""
    found = find(element, *path)
    yield from found if found is not None else ()


def text(element: Element, *path: str) -> str:
    """Return the text at `path` without blanks around it, empty where there is none."""
    found = find(element, *path)
    return (found.text or "").strip() if found is not None else ""


def require(element: Element, operation: str, *path: str) -> str:
    """Return the text at `path`. Raises `FaultError` where there is none."""
    found = text(element, *path)
    if not found:
        raise missing(path[-1], operation)
    return found


def missing(name: str, operation: str) -> FaultError:
    """Return the fault that an element which has to be there is not."""
    return FaultError(status.MISSING, {"operation": operation, "element": name})


def number(element: Element, operation: str, *path: str) -> int:
    """Return the whole number at `path`. Raises `FaultError`."""
    found = require(element, operation, *path)
    if not _is_number(found):
        raise FaultError(status.MALFORMED, {"operation": operation, "element": path[-1]})
    return int(found)


def _is_number(found: str) -> bool:
    return found.isascii() and found.isdigit() and len(found) <= LONGEST_NUMBER


def item_id(element: Element, operation: str) -> str:
    """Return the id of an item, or of whatever else an element is about. Raises `FaultError`."""
    found = find(element, "ItemId")
    if found is None or not found.get("Id"):
        raise missing("ItemId", operation)
    return found.get("Id", "")


def moment(element: Element, operation: str, name: str) -> float | None:
    """Return a time in seconds since the epoch, `None` where there is none. Raises `FaultError` for a malformed one."""
    said = text(element, name)
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise FaultError(status.MALFORMED, {"operation": operation, "element": name}) from None


def build(reply: Reply) -> str:
    """Return the build of the server that answered, such as `15.20.9200.10`, or nothing."""
    root = parse(reply.body)
    info = find(root, "Header", "ServerVersionInfo") if root is not None else None
    numbers = [info.get(name, "") for name in BUILD] if info is not None else []
    return ".".join(numbers) if numbers and all(_is_number(one) for one in numbers) else ""
