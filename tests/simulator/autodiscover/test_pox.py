"""The XML dialect, read and written against the schemas' own names."""

from xml.etree import ElementTree as ET

from prober.simulator.autodiscover import pox
from prober.simulator.autodiscover.places import places_of
from prober.simulator.http.message import Reply
from prober.simulator.tenant import Clocks
from tests.simulator.autodiscover.desk import ALICE, HOME, ask, premises

OUTLOOK = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
    "<EMailAddress>{who}</EMailAddress><AcceptableResponseSchema>"
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    "</AcceptableResponseSchema></Request></Autodiscover>"
)
PHONE = OUTLOOK.replace("outlook/", "mobilesync/").replace("2006a", "2006")
R = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
A = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
M = "{http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006}"


def body(reply: Reply) -> ET.Element:
    assert isinstance(reply.body, bytes)
    assert reply.status == 200
    return ET.fromstring(reply.body)


def settings(text: str, who: str = ALICE, site: str = "ams1", **headers: str) -> ET.Element:
    here = premises()
    request = ask("/", site=site, headers={name.replace("_", "-"): value for name, value in headers.items()})
    mailbox = here.tenant.mailbox(who)
    wish = pox.read(text.format(who=who).encode())
    assert mailbox is not None
    assert wish is not None
    return body(pox.settings(request, wish, mailbox, places_of(here, request, mailbox)))


def test_outlook_gets_the_urls_of_web_services() -> None:
    account = settings(OUTLOOK).find(f"{A}Response/{A}Account")
    assert account is not None
    assert account.findtext(f"{A}AccountType") == "email"
    urls = {one.text for one in account.iter(f"{A}EwsUrl")} | {one.text for one in account.iter(f"{A}ASUrl")}
    assert urls == {"https://outlook-mac-legacy.ams1.contoso.example:8443/EWS/Exchange.asmx"}
    assert [one.findtext(f"{A}Type") for one in account.iter(f"{A}Protocol")] == ["EXCH", "EXPR"]


def test_mapi_over_http_is_for_those_who_say_they_can() -> None:
    """Both URLs of both services end in the mailbox's id at its domain; the user's DN is there to connect with."""
    assert not [one for one in settings(OUTLOOK).iter(f"{A}Protocol") if one.get("Type") == "mapiHttp"]
    root = settings(OUTLOOK, X_MapiHttpCapability="1")
    (mapi,) = [one for one in root.iter(f"{A}Protocol") if one.get("Type") == "mapiHttp"]
    mailbox = premises().tenant.mailboxes[ALICE]
    assert mapi.get("Version") == "1"
    assert [mapi.findtext(f"{A}MailStore/{A}{side}Url") for side in ("Internal", "External")] == [
        f"https://outlook-desktop.ams1.contoso.example:8443/mapi/emsmdb/?MailboxId={mailbox.guid}@contoso.example"
    ] * 2
    assert str(mapi.findtext(f"{A}AddressBook/{A}ExternalUrl")).endswith(
        f"/mapi/nspi/?MailboxId={mailbox.guid}@contoso.example"
    )
    assert root.findtext(f"{A}Response/{A}User/{A}LegacyDN") == mailbox.legacy_dn


def test_a_phone_gets_its_one_server() -> None:
    """MS-ASCMD section 4.2.3: Type, Url and Name."""
    server = settings(PHONE).find(f"{M}Response/{M}Action/{M}Settings/{M}Server")
    assert server is not None
    assert server.findtext(f"{M}Type") == "MobileSync"
    assert server.findtext(f"{M}Url") == "https://activesync.ams1.contoso.example:8443/Microsoft-Server-ActiveSync"


def test_the_cloud_sends_outlook_on_to_the_server() -> None:
    account = settings(OUTLOOK, HOME).find(f"{A}Response/{A}Account")
    assert account is not None
    assert account.findtext(f"{A}Action") == "redirectUrl"
    assert str(account.findtext(f"{A}RedirectUrl")).startswith("https://outlook-desktop.hq.")
    assert settings(OUTLOOK, HOME, "hq").find(f".//{A}EwsUrl") is not None


def test_errors_have_a_code_a_message_and_a_time() -> None:
    error = body(pox.error(600, Clocks(wall=lambda: 0.5))).find(f"{R}Response/{R}Error")
    assert error is not None
    assert error.get("Time") == "00:00:00.5000000"
    assert (error.findtext(f"{R}ErrorCode"), error.findtext(f"{R}Message")) == ("600", "Invalid Request")
    assert body(pox.error(601, Clocks())).findtext(f".//{R}Message") == "Provider is not available"


def test_what_is_no_request_is_not_read() -> None:
    """A root of another schema, a request of another, broken XML, entities."""
    assert pox.read(b"<Autodiscover/>") is None
    assert pox.read(b"<Autodiscover") is None
    assert pox.read(OUTLOOK.replace("requestschema", "otherschema").encode()) is None
    assert pox.read(b'<!DOCTYPE a [<!ENTITY e "x">]>' + OUTLOOK.partition("?>")[2].encode()) is None
    wish = pox.read(OUTLOOK.format(who=" a@b ").encode())
    assert wish is not None
    assert (wish.address, wish.legacy_dn) == ("a@b", "")
