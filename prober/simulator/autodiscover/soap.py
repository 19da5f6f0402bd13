"""Autodiscover in SOAP: `GetUserSettings` (MS-OXWSADISC section 3.1.4.7), any other operation is a fault."""

from prober.simulator.autodiscover.places import Places
from prober.simulator.http.markup import Element, el, local, parse, spaced, text_of, written
from prober.simulator.http.message import Reply, xml_reply
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import ONLINE

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ACTION = f"{AUTODISCOVER}/Autodiscover/GetUserSettingsResponse"
SCHEMAS = "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2016"


def asked(body: bytes) -> tuple[list[str], list[str]] | None:
    """Return the addresses and the names of the settings asked for, `None` where this is no such request."""
    root = parse(body)
    if root is None or root.tag != f"{{{ENVELOPE}}}Envelope":
        return None
    message = root.find(f"{{{ENVELOPE}}}Body/{{{AUTODISCOVER}}}GetUserSettingsRequestMessage/{{{AUTODISCOVER}}}Request")
    if message is None:
        return None
    users = [text_of(one, f"{{{AUTODISCOVER}}}Mailbox") for one in message.iter(f"{{{AUTODISCOVER}}}User")]
    return users, [(one.text or "").strip() for one in message.iter(f"{{{AUTODISCOVER}}}Setting")]


def is_envelope(body: bytes) -> bool:
    """Whether this is SOAP at all."""
    root = parse(body)
    return root is not None and local(root) == "Envelope"


def settings(found: list[tuple[Mailbox | None, Places]], names: list[str]) -> Reply:
    """Return the settings `names` of each mailbox, an error where there is none to be had."""
    responses = el("UserResponses", *(_user(mailbox, places, names) for mailbox, places in found))
    response = el("Response", el("ErrorCode", "NoError"), el("ErrorMessage"), responses)
    message = spaced(el("GetUserSettingsResponseMessage", response), default=AUTODISCOVER, i=INSTANCE)
    head = el("s:Header", el("a:Action", ACTION))
    return xml_reply(_envelope(head, message))


def fault(reason: str) -> Reply:
    """Refuse what is not understood (SOAP 1.1 section 4.4)."""
    refusal = el("s:Fault", el("faultcode", "s:Client"), el("faultstring", reason))
    return xml_reply(_envelope(None, refusal), 500)


def _envelope(head: Element | None, content: Element) -> bytes:
    return written(spaced(el("s:Envelope", head, el("s:Body", content)), s=ENVELOPE, a=ADDRESSING))


def _user(mailbox: Mailbox | None, places: Places, names: list[str]) -> Element:
    if mailbox is None:
        return el(
            "UserResponse", el("ErrorCode", "InvalidUser"), el("ErrorMessage", "Invalid user."), el("UserSettings")
        )
    if places.elsewhere:
        there = places.at("outlook_mac_legacy", "/autodiscover/autodiscover.svc")
        return el(
            "UserResponse",
            el("ErrorCode", "RedirectUrl"),
            el("ErrorMessage", "Redirection url."),
            el("RedirectTarget", there),
        )
    known = _known(mailbox, places)
    return el(
        "UserResponse",
        el("ErrorCode", "NoError"),
        el("ErrorMessage", "No error."),
        el("UserSettingErrors", *(_unknown(name) for name in names if name not in known)),
        el("UserSettings", *(_setting(name, known[name]) for name in names if name in known)),
    )


def _known(mailbox: Mailbox, places: Places) -> dict[str, str]:
    ews = places.url("Ews")
    return {
        "UserDisplayName": mailbox.display_name,
        "UserDN": mailbox.legacy_dn,
        "UserDeploymentId": places.premises.tenant.id,
        "AutoDiscoverSMTPAddress": mailbox.address,
        "InternalMailboxServer": f"{mailbox.guid}@{mailbox.address.partition('@')[2]}",
        "InternalEwsUrl": ews,
        "ExternalEwsUrl": ews,
        "ExternalEwsVersion": "15.20.9200.010",
        "EwsSupportedSchemas": SCHEMAS,
        "CasVersion": "15.20.9200.010",
        "UserMSOnline": str(places.home.environment == ONLINE),
        "MapiHttpEnabled": "True",
    }


def _setting(name: str, value: str) -> Element:
    setting = el("UserSetting", el("Name", name), el("Value", value))
    setting.set("i:type", "StringSetting")
    return setting


def _unknown(name: str) -> Element:
    return el(
        "UserSettingError",
        el("ErrorCode", "InvalidSetting"),
        el("ErrorMessage", f"Invalid Setting: {name}."),
        el("SettingName", name),
    )
