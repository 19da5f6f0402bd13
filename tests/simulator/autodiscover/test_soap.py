"""The SOAP dialect in documents; a client of somebody else's is held against it in the test of the service."""

from xml.etree import ElementTree as ET

from prober.simulator.autodiscover import soap
from prober.simulator.autodiscover.places import places_of
from prober.simulator.http.message import Reply
from tests.simulator.autodiscover.desk import ALICE, HOME, ask, premises

N = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"
REQUEST = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"><soap:Body><a:GetUserSettingsRequestMessage>'
    "<a:Request><a:Users><a:User><a:Mailbox>alice@contoso.example</a:Mailbox></a:User></a:Users><a:RequestedSettings>"
    "<a:Setting>ExternalEwsUrl</a:Setting><a:Setting>Odd</a:Setting></a:RequestedSettings></a:Request>"
    "</a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>"
)


def response(who: str, site: str = "ams1") -> ET.Element:
    here = premises()
    mailbox = here.tenant.mailbox(who)
    places = places_of(here, ask("/", site=site), mailbox)
    root = parsed(soap.settings([(mailbox, places)], ["ExternalEwsUrl", "Odd"]))
    found = root.find(f".//{N}UserResponse")
    assert found is not None
    return found


def parsed(reply: Reply) -> ET.Element:
    assert isinstance(reply.body, bytes)
    return ET.fromstring(reply.body)


def test_a_request_names_users_and_settings() -> None:
    assert soap.asked(REQUEST.encode()) == (["alice@contoso.example"], ["ExternalEwsUrl", "Odd"])
    assert soap.asked(REQUEST.replace("GetUser", "GetDomain").encode()) is None
    assert soap.asked(b"<a") is None


def test_known_settings_are_given_and_unknown_ones_refused_singly() -> None:
    found = response(ALICE)
    assert found.findtext(f"{N}ErrorCode") == "NoError"
    setting = found.find(f"{N}UserSettings/{N}UserSetting")
    assert setting is not None
    assert setting.findtext(f"{N}Value") == "https://outlook-mac-legacy.ams1.contoso.example:8443/EWS/Exchange.asmx"
    assert setting.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "StringSetting"
    assert found.findtext(f"{N}UserSettingErrors/{N}UserSettingError/{N}SettingName") == "Odd"


def test_nobody_and_somebody_elsewhere_are_told_apart() -> None:
    assert response("no-one@contoso.example").findtext(f"{N}ErrorCode") == "InvalidUser"
    moved = response(HOME)
    assert moved.findtext(f"{N}ErrorCode") == "RedirectUrl"
    assert str(moved.findtext(f"{N}RedirectTarget")).startswith("https://outlook-mac-legacy.hq.")


def test_a_fault_is_a_500_of_soap() -> None:
    reply = soap.fault("no")
    assert reply.status == 500
    assert parsed(reply).findtext(".//faultstring") == "no"
    assert soap.is_envelope(REQUEST.encode())
    assert not soap.is_envelope(b"<Other/>")
