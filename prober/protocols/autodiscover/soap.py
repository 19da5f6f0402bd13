"""Autodiscover in SOAP: `GetUserSettings` (MS-OXWSADISC section 3.1.4.7; Learn, "GetUserSettings operation (SOAP)").

Rule of this file: the answer has an error code of its own and one for every user; either is read before any setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import EMPTY_REPLY, FaultError, Kind, Reason
from prober.protocols.http import diagnostics, status

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
ACTION = f"{AUTODISCOVER}/Autodiscover/GetUserSettings"
VERSION = "Exchange2013"
SETTINGS = ("UserDN", "ExternalEwsUrl", "InternalEwsUrl", "MapiHttpEnabled")
LONGEST = 1 << 20

NOT_SOAP = Kind("autodiscover_not_soap", Reason.PROTOCOL_VIOLATION)
REFUSED = Kind("autodiscover_soap_refused", Reason.CLIENT_MISCONFIG)
SERVER_FAULT = Kind("autodiscover_soap_fault", Reason.SERVER_ERROR)
MISSING = Kind("autodiscover_soap_element_missing", Reason.PROTOCOL_VIOLATION)
UNKNOWN = Kind("autodiscover_soap_unknown_code", Reason.PROTOCOL_VIOLATION)
OK = "NoError"
REDIRECTS = frozenset({"RedirectAddress", "RedirectUrl"})
ERRORS: Mapping[str, Kind] = MappingProxyType(
    {
        "InvalidUser": Kind("autodiscover_soap_invalid_user", Reason.CLIENT_MISCONFIG),
        "InvalidRequest": Kind("autodiscover_soap_invalid_request", Reason.CLIENT_MISCONFIG),
        "InvalidDomain": Kind("autodiscover_soap_invalid_domain", Reason.CLIENT_MISCONFIG),
        "InvalidSetting": Kind("autodiscover_soap_invalid_setting", Reason.CLIENT_MISCONFIG),
        "SettingIsNotAvailable": Kind("autodiscover_soap_setting_unavailable", Reason.CLIENT_MISCONFIG),
        "NotFederated": Kind("autodiscover_soap_not_federated", Reason.CLIENT_MISCONFIG),
        "ServerBusy": Kind("autodiscover_soap_server_busy", Reason.SERVER_BUSY),
        "InternalServerError": Kind("autodiscover_soap_internal_error", Reason.SERVER_ERROR),
    }
)
"""`ErrorCode` (MS-OXWSADISC section 3.1.4.2.5.1)."""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What the service tells of a user, empty where it does not; or where else to ask."""

    user_dn: str = field(default="", repr=False)
    ews_url: str = field(default="", repr=False)
    mapi_http: bool = False
    redirect_address: str = field(default="", repr=False)
    redirect_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GetUserSettings:
    """Ask `url` (…/autodiscover/autodiscover.svc) for the settings of the mailbox at `address`, with the credential."""

    url: str
    address: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        headers = (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", f'"{ACTION}"'))
        return Call("POST", self.url, headers, self._body().encode(), Auth.CREDENTIAL)

    def _body(self) -> str:
        wanted = "".join(f"<a:Setting>{name}</a:Setting>" for name in SETTINGS)
        user = f"<a:User><a:Mailbox>{escape(self.address)}</a:Mailbox></a:User>"
        return (
            f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:a="{AUTODISCOVER}" xmlns:wsa="{ADDRESSING}" '
            f'xmlns:soap="{ENVELOPE}"><soap:Header>'
            f"<a:RequestedServerVersion>{VERSION}</a:RequestedServerVersion>"
            f"<wsa:Action>{ACTION}</wsa:Action><wsa:To>{escape(self.url)}</wsa:To></soap:Header><soap:Body>"
            f"<a:GetUserSettingsRequestMessage><a:Request><a:Users>{user}</a:Users>"
            f"<a:RequestedSettings>{wanted}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>"
            "</soap:Body></soap:Envelope>"
        )

    def read(self, reply: Reply) -> UserSettings:
        """Return the settings. Raises `FaultError`."""
        evidence = diagnostics.evidence(reply.headers)
        response = _response(reply, evidence)
        _check(_text(response, "ErrorCode"), evidence)
        user = _find(response, "UserResponses", "UserResponse")
        if user is None:
            raise FaultError(MISSING, {"element": "UserResponse", **evidence})
        code, target = _text(user, "ErrorCode"), _text(user, "RedirectTarget")
        if code in REDIRECTS and target:
            return UserSettings(redirect_url=target) if code == "RedirectUrl" else UserSettings(redirect_address=target)
        _check(code, evidence)
        return _settings(user)


def _settings(user: Element) -> UserSettings:
    array = _find(user, "UserSettings")
    told = {_text(one, "Name"): _text(one, "Value") for one in (array if array is not None else ())}
    return UserSettings(
        user_dn=told.get("UserDN", ""),
        ews_url=told.get("ExternalEwsUrl") or told.get("InternalEwsUrl", ""),
        mapi_http=told.get("MapiHttpEnabled", "").lower() == "true",
    )


def _response(reply: Reply, evidence: dict[str, str]) -> Element:
    """Return the `Response` element. Raises `FaultError`: a SOAP fault says more than the status it rides on."""
    root = _parsed(reply.body)
    if root is None or _name(root) != "Envelope":
        raise _without_envelope(reply, evidence)
    refused = _find(root, "Body", "Fault")
    if refused is not None:
        blamed = _text(refused, "faultcode").rpartition(":")[2]
        raise FaultError(REFUSED if blamed in ("Client", "Sender") else SERVER_FAULT, evidence)
    if reply.status != 200:
        raise status.fault(reply)
    response = _find(root, "Body", "GetUserSettingsResponseMessage", "Response")
    if response is None:
        raise FaultError(MISSING, {"element": "Response", **evidence})
    return response


def _without_envelope(reply: Reply, evidence: dict[str, str]) -> FaultError:
    if reply.status != 200:
        return status.fault(reply)
    if not reply.body:
        return FaultError(EMPTY_REPLY, evidence)
    try:
        status.refuse_html(reply)
    except FaultError as error:
        return error
    return FaultError(NOT_SOAP, evidence)


def _check(code: str, evidence: dict[str, str]) -> None:
    if code == OK:
        return
    if not code:
        raise FaultError(MISSING, {"element": "ErrorCode", **evidence})
    raise FaultError(ERRORS.get(code, UNKNOWN), {"error": code if code in ERRORS else "other", **evidence})


def _parsed(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body[:LONGEST], forbid_dtd=True)
    except (ParseError, ValueError, LookupError):  # LookupError: an encoding nobody knows
        return None
    return root


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _find(element: Element, *path: str) -> Element | None:
    found: Element | None = element
    for name in path:
        found = next((child for child in found if _name(child) == name), None) if found is not None else None
    return found


def _text(element: Element, name: str) -> str:
    found = _find(element, name)
    return (found.text or "").strip()[:2048] if found is not None else ""
