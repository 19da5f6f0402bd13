"""Autodiscover in plain XML: for Outlook (MS-OXDSCLI) and for phones (MS-ASCMD section 2.2.1.1).

Errors are answers too: status 200 with an `Error` in it (MS-OXDSCLI section 2.2.4.1.2).
"""

from dataclasses import dataclass

from prober.simulator.autodiscover.places import Places
from prober.simulator.http.markup import Element, el, parse, spaced, text_of, written
from prober.simulator.http.message import Reply, Request, xml_reply
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import ONLINE, Clocks

BASE = "http://schemas.microsoft.com/exchange/autodiscover/"
RESPONSE = f"{BASE}responseschema/2006"
OUTLOOK_REQUEST = f"{BASE}outlook/requestschema/2006"
OUTLOOK_RESPONSE = f"{BASE}outlook/responseschema/2006a"
MOBILE_REQUEST = f"{BASE}mobilesync/requestschema/2006"
MOBILE_RESPONSE = f"{BASE}mobilesync/responseschema/2006"
NOT_FOUND, INVALID, NO_PROVIDER = 500, 600, 601
MESSAGES = ((NOT_FOUND, "The e-mail address cannot be found."), (INVALID, "Invalid Request"))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: whose settings (`address` or `legacy_dn`), and in which schema the answer is to be."""

    address: str
    legacy_dn: str
    schema: str


def read(body: bytes) -> Wish | None:
    """Return what a request asks, `None` where it is none. Both request schemas name the same elements."""
    root = parse(body)
    for request in (OUTLOOK_REQUEST, MOBILE_REQUEST):
        here = root.find(f"{{{request}}}Request") if root is not None else None
        if here is not None and root is not None and root.tag == f"{{{request}}}Autodiscover":
            names = ("EMailAddress", "LegacyDN", "AcceptableResponseSchema")
            address, legacy_dn, schema = (text_of(here, f"{{{request}}}{name}") for name in names)
            return Wish(address, legacy_dn, schema)
    return None


def settings(request: Request, wish: Wish, mailbox: Mailbox, places: Places) -> Reply:
    """Return the settings of `mailbox` in the schema asked for, or where else to ask."""
    if wish.schema == MOBILE_RESPONSE:
        return _document(_phone(mailbox, places))
    if places.elsewhere:
        there = places.at("outlook_desktop", "/autodiscover/autodiscover.xml")
        account = el("Account", el("Action", "redirectUrl"), el("RedirectUrl", there))
        return _document(spaced(el("Response", account), default=OUTLOOK_RESPONSE))
    return _document(_outlook(mailbox, places, mapi=request.header("x-mapihttpcapability").strip() == "1"))


def error(code: int, clocks: Clocks) -> Reply:
    """Refuse in the protocol's own words; `code` is one of this file's three."""
    message = dict(MESSAGES).get(code, "Provider is not available")
    refusal = el("Error", el("ErrorCode", str(code)), el("Message", message), el("DebugData"))
    refusal.set("Time", f"{clocks.now():%H:%M:%S.%f}0")
    refusal.set("Id", "2477272013")
    return _document(spaced(el("Response", refusal), default=RESPONSE))


def _document(response: Element) -> Reply:
    return xml_reply(written(spaced(el("Autodiscover", response), default=RESPONSE)))


def _outlook(mailbox: Mailbox, places: Places, *, mapi: bool) -> Element:
    user = el(
        "User",
        el("DisplayName", mailbox.display_name),
        el("LegacyDN", mailbox.legacy_dn),
        el("AutoDiscoverSMTPAddress", mailbox.address),
        el("DeploymentId", places.premises.tenant.id),
    )
    account = el(
        "Account",
        el("AccountType", "email"),
        el("Action", "settings"),
        el("MicrosoftOnline", str(places.home.environment == ONLINE)),
        _web_services("EXCH", mailbox, places),
        _web_services("EXPR", mailbox, places),
        _mapi(mailbox, places) if mapi else None,
    )
    return spaced(el("Response", user, account), default=OUTLOOK_RESPONSE)


def _web_services(kind: str, mailbox: Mailbox, places: Places) -> Element:
    """Return the section of the inner (`EXCH`) or outer (`EXPR`) network; `ASUrl` is that of the availability service.

    The mailbox has the same URLs on either side.
    """
    ews = places.url("Ews")
    return el(
        "Protocol",
        el("Type", kind),
        el("Server", f"{mailbox.guid}@{mailbox.address.partition('@')[2]}"),
        el("AuthPackage", "Anonymous" if places.home.environment == ONLINE else "Basic"),
        el("ASUrl", ews),
        el("EwsUrl", ews),
        el("EmwsUrl", ews),
    )


def _mapi(mailbox: Mailbox, places: Places) -> Element:
    """Return the section of a client that said it can do MAPI over HTTP (MS-OXDSCLI section 2.2.4.1.1.2.6)."""
    which = f"?MailboxId={mailbox.guid}@{mailbox.address.partition('@')[2]}"
    sections = []
    for name, path in (("MailStore", "/mapi/emsmdb/"), ("AddressBook", "/mapi/nspi/")):
        url = places.at("outlook_desktop", f"{path}{which}")
        sections.append(el(name, el("InternalUrl", url), el("ExternalUrl", url)))
    return el("Protocol", *sections, Type="mapiHttp", Version="1")


def _phone(mailbox: Mailbox, places: Places) -> Element:
    url = places.url("ActiveSync")
    server = el("Server", el("Type", "MobileSync"), el("Url", url), el("Name", url))
    response = el(
        "Response",
        el("Culture", "en:us"),
        el("User", el("DisplayName", mailbox.display_name), el("EMailAddress", mailbox.address)),
        el("Action", el("Settings", server)),
    )
    return spaced(response, default=MOBILE_RESPONSE)
