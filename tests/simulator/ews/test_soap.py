"""Requests as they are read, and the frames of answers."""

from xml.etree import ElementTree as ET

from prober.simulator.ews import soap
from prober.simulator.ews.soap import Refused
from prober.simulator.http.markup import el
from prober.simulator.tenant import SERVER, Site
from tests.simulator.ews.desk import envelope

E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"


def test_a_request_says_what_for_whom_and_in_which_version() -> None:
    call = soap.read(envelope("<m:GetUserOofSettingsRequest/>", acting_for="a@b.example").encode())
    assert call is not None
    assert (call.operation, call.version, call.acting_for) == ("GetUserOofSettings", "Exchange2013", "a@b.example")
    alone = soap.read(envelope("<m:GetFolder/>", acting_for="").encode())
    assert alone is not None
    assert not alone.impersonates


def test_other_names_of_an_identity_are_read() -> None:
    text = envelope("<m:GetFolder/>").replace("PrimarySmtpAddress", "PrincipalName")
    call = soap.read(text.encode())
    assert call is not None
    assert call.acting_for
    unreadable = soap.read(text.replace("PrincipalName", "SID").encode())
    assert unreadable is not None
    assert (unreadable.impersonates, unreadable.acting_for) == (True, "")


def test_what_is_no_request_is_not_read() -> None:
    """No XML, no envelope, no operation, two of them, one of another protocol."""
    assert soap.read(b"x") is None
    assert soap.read(b"<a/>") is None
    assert soap.read(envelope("").encode()) is None
    assert soap.read(envelope("<m:GetFolder/><m:GetFolder/>").encode()) is None
    assert soap.read(envelope("<GetFolder/>").encode()) is None


def test_the_version_is_that_of_the_site() -> None:
    cloud = ET.fromstring(soap.document(el("m:x"), None)).find(f".//{T}ServerVersionInfo")
    own = ET.fromstring(soap.document(el("m:x"), Site("hq", "eu", "HQX", environment=SERVER)))
    info = own.find(f".//{T}ServerVersionInfo")
    assert cloud is not None
    assert info is not None
    assert (cloud.get("MajorVersion"), cloud.get("MinorVersion")) == ("15", "20")
    assert (info.get("MajorVersion"), info.get("MinorVersion")) == ("15", "2")


def test_a_fault_has_its_code_in_the_detail() -> None:
    reply = soap.fault("ErrorServerBusy", "later", back_off_ms=5)
    assert isinstance(reply.body, bytes)
    root = ET.fromstring(reply.body)
    assert reply.status == 500
    assert root.findtext(".//faultcode") == "a:ErrorServerBusy"
    assert root.findtext(f".//detail/{E}ResponseCode") == "ErrorServerBusy"
    value = root.find(f".//detail/{T}MessageXml/{T}Value")
    assert value is not None
    assert (value.get("Name"), value.text) == ("BackOffMilliseconds", "5")


def test_messages_have_a_class_and_a_code() -> None:
    assert soap.success("X").get("ResponseClass") == "Success"
    failed = soap.failure("SyncFolderItems", Refused("ErrorX", "no"))
    assert [one.tag for one in failed] == [
        *("m:MessageText", "m:ResponseCode", "m:DescriptiveLinkKey", "m:SyncState", "m:IncludesLastItemInRange")
    ]
    assert soap.response("X", failed).tag == "m:XResponse"
