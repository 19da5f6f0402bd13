"""Autodiscover in plain XML: what Outlook asks (MS-OXDSCLI), and where a phone is told to go (MS-ASCMD 2.2.1.1).

Rule of this file: an error is an answer too, with status 200; elements are found by their local names, for servers do
not agree on namespaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import challenge, diagnostics, status
from prober.vocabulary import Domain

BASE = "http://schemas.microsoft.com/exchange/autodiscover/"
OUTLOOK = (f"{BASE}outlook/requestschema/2006", f"{BASE}outlook/responseschema/2006a")
PHONE = (f"{BASE}mobilesync/requestschema/2006", f"{BASE}mobilesync/responseschema/2006")
QUESTION = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Autodiscover xmlns="{request}"><Request><EMailAddress>{address}</EMailAddress>'
    "<AcceptableResponseSchema>{response}</AcceptableResponseSchema></Request></Autodiscover>"
)
LONGEST = 1 << 20
"""Bytes of an answer: a real one has a few thousand."""

NOT_XML = Kind("autodiscover_not_xml", Reason.PROTOCOL_VIOLATION)
NOT_AUTODISCOVER = Kind("autodiscover_not_an_answer", Reason.PROTOCOL_VIOLATION)
NO_ADDRESS = Kind("autodiscover_address_unknown", Reason.CLIENT_MISCONFIG)
INVALID_REQUEST = Kind("autodiscover_invalid_request", Reason.CLIENT_MISCONFIG)
NO_PROVIDER = Kind("autodiscover_no_provider", Reason.CLIENT_MISCONFIG)
PROVIDER_FAILED = Kind("autodiscover_provider_failed", Reason.SERVER_ERROR, Domain.MAILBOX)
OTHER_ERROR = Kind("autodiscover_error", Reason.SERVER_ERROR)
ANONYMOUS_ALLOWED = Kind("autodiscover_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE)
ERRORS = MappingProxyType(
    {"500": NO_ADDRESS, "501": NO_ADDRESS, "600": INVALID_REQUEST, "601": NO_PROVIDER, "603": PROVIDER_FAILED}
)
"""`ErrorCode` (MS-OXDSCLI section 2.2.4.1.2.1): 500, 501 a bad address, 600 a bad request, 601 no provider for it."""


@dataclass(frozen=True, slots=True)
class PoxSettings:
    """Where things are, as URLs; empty where the answer does not say. Redirects are left to the caller."""

    ews_url: str = ""
    as_url: str = ""
    mapi_url: str = ""
    nspi_url: str = ""
    legacy_dn: str = ""
    redirect_address: str = ""
    redirect_url: str = ""

    def __repr__(self) -> str:
        found = [name for name in self.__slots__ if getattr(self, name)]
        return f"PoxSettings({', '.join(found)})"


@dataclass(frozen=True, slots=True)
class AskPox:
    """Ask `url` (…/autodiscover/autodiscover.xml) for Outlook's settings, with the credential.

    `mapi`: say that MAPI over HTTP is known, or its section is left out (MS-OXDSCLI section 2.2.2.1).
    """

    url: str
    address: str
    mapi: bool = False

    def __repr__(self) -> str:
        return f"AskPox(mapi={self.mapi})"

    def call(self) -> Call:
        """Return the request."""
        more = (("X-MapiHttpCapability", "1"),) if self.mapi else ()
        return _question(self.url, self.address, OUTLOOK, Auth.CREDENTIAL, more)

    def read(self, reply: Reply) -> PoxSettings:
        """Return the settings, or where else to ask. Raises `FaultError`."""
        location = _moved(reply)
        if location:
            return PoxSettings(redirect_url=location)
        response = _response(reply)
        protocols = list(_called(response, ("Protocol",)))
        mapi = next((one for one in protocols if one.get("Type") == "mapiHttp"), None)
        return PoxSettings(
            ews_url=_one_of(protocols, "EwsUrl"),
            as_url=_one_of(protocols, "ASUrl"),
            mapi_url=_mapi_url(mapi, "MailStore"),
            nspi_url=_mapi_url(mapi, "AddressBook"),
            legacy_dn=_text(_first(response, "LegacyDN")),
            redirect_address=_text(_first(response, "RedirectAddr", "RedirectAddress")),
            redirect_url=_https(_text(_first(response, "RedirectUrl", "RedirectURL"))),
        )


@dataclass(frozen=True, slots=True)
class AskMobileSync:
    """Ask `url` where a phone finds ActiveSync (MS-ASCMD section 2.2.1.1.1)."""

    url: str
    address: str

    def __repr__(self) -> str:
        return "AskMobileSync()"

    def call(self) -> Call:
        """Return the request."""
        return _question(self.url, self.address, PHONE, Auth.CREDENTIAL)

    def read(self, reply: Reply) -> PoxSettings:
        """Return the URL of ActiveSync as `as_url`, or where else to ask. Raises `FaultError`."""
        location = _moved(reply)
        if location:
            return PoxSettings(redirect_url=location)
        response = _response(reply)
        redirect = _text(_first(response, "Redirect"))
        if redirect:
            return PoxSettings(redirect_address=redirect)
        servers = [one for one in response.iter() if _name(one) == "Server"]
        phones = [one for one in servers if _text(_first(one, "Type")).lower() == "mobilesync"]
        return PoxSettings(as_url=_one_of(phones, "Url"))


@dataclass(frozen=True, slots=True)
class PoxChallenge:
    """Ask `url` without credentials: a front end that is alive wants some."""

    url: str

    def call(self) -> Call:
        """Return the request, about an address that is nobody's (RFC 2606)."""
        return _question(self.url, "nobody@example.invalid", OUTLOOK, Auth.NONE)

    def read(self, reply: Reply) -> str:
        """Return the names of the offered schemes. Raises `FaultError`."""
        if reply.status == 401:
            return challenge.schemes(reply.headers)
        if reply.status == 200:
            status.refuse_html(reply)
            raise FaultError(ANONYMOUS_ALLOWED, {"http_status": "200", **diagnostics.evidence(reply.headers)})
        raise status.fault(reply)


def _question(
    url: str, address: str, schemas: tuple[str, str], auth: Auth, more: tuple[tuple[str, str], ...] = ()
) -> Call:
    body = QUESTION.format(request=schemas[0], response=schemas[1], address=escape(address)).encode()
    return Call("POST", url, (("Content-Type", "text/xml; charset=utf-8"), *more), body, auth)


def _moved(reply: Reply) -> str:
    """Return where an answer sends us, as far as it is to https; empty where it does not."""
    return _https(reply.headers.get("location")) if reply.status in (301, 302, 307, 308) else ""


def _response(reply: Reply) -> Element:
    """Return the `Response` element. Raises `FaultError` for everything that has none, and for errors."""
    if reply.status != 200:
        raise status.fault(reply)
    status.refuse_html(reply)
    evidence = diagnostics.evidence(reply.headers)
    try:
        root: Element = fromstring(reply.body[:LONGEST])
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise FaultError(NOT_XML, evidence) from None
    response = _first(root, "Response")
    if _name(root) != "Autodiscover" or response is None:
        raise FaultError(NOT_AUTODISCOVER, evidence)
    error = _text(_first(response, "ErrorCode"))
    if error or _first(response, "Error") is not None:
        code = error if error.isascii() and error.isdigit() and len(error) < 6 else "none"
        raise FaultError(ERRORS.get(code, OTHER_ERROR), {"error_code": code, **evidence})
    return response


def _mapi_url(protocol: Element | None, section: str) -> str:
    """Return the URL of a section, the outer one first: it is the one that a prober anywhere can reach."""
    where = None if protocol is None else _first(protocol, section)
    if where is None:
        return ""
    return _https(_text(_first(where, "ExternalUrl"))) or _https(_text(_first(where, "InternalUrl")))


def _one_of(elements: list[Element], name: str) -> str:
    """Return the first https URL of that name, of `EXPR` before others: the way in from outside."""
    outer_first = sorted(elements, key=lambda one: _text(_first(one, "Type")) != "EXPR")
    urls = (_https(_text(_first(one, name))) for one in outer_first)
    return next((url for url in urls if url), "")


def _first(element: Element, *names: str) -> Element | None:
    return next(_called(element, names), None)


def _called(element: Element, names: tuple[str, ...]) -> Iterator[Element]:
    return (one for one in element.iter() if _name(one) in names)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: Element | None) -> str:
    return (element.text or "").strip()[:2048] if element is not None else ""


def _https(url: str) -> str:
    """Return a URL that may be followed, empty for any other."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        return ""
    return url if usable and " " not in url else ""
