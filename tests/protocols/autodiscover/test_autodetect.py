"""AutoDetect, with answers of the shape that a published script reads."""

import json

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.autodiscover.autodetect import AutoDetect

ASK = AutoDetect("https://prod-autodetect.outlookmobile.com/detect", "probe@contoso.example")
FOUND = {
    "email": "probe@contoso.example",
    "services": [{"hostname": "outlook.office365.com", "service": "office365", "aad": "https://login.example/"}],
    "protocols": [
        {"protocol": "rest", "hostname": "x", "service": "outlook"},
        {"protocol": "rest-office365", "hostname": "outlook.office365.com", "service": "office365", "onprem": False},
    ],
}


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, Headers(), document if isinstance(document, bytes) else json.dumps(document).encode())


def test_the_address_goes_in_a_header() -> None:
    call = ASK.call()
    assert call.url == (
        "https://prod-autodetect.outlookmobile.com/detect?services=office365,outlook,google,icloud,yahoo"
        "&protocols=rest-cloud,rest-outlook,rest-office365,eas,imap,smtp"
    )
    assert dict(call.headers)["X-Email"] == "probe@contoso.example"
    assert "probe" not in repr(ASK)


def test_the_protocol_of_office_365_is_told() -> None:
    assert ASK.read(reply(FOUND)) == "rest-office365"
    assert ASK.read(reply({"protocols": [{"service": "Office365", "protocol": "canary@x"}]})) == "other"


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        ({"services": [], "protocols": []}, 200, Reason.CLIENT_MISCONFIG),
        ({"protocols": [{"service": "google"}, "x"]}, 200, Reason.CLIENT_MISCONFIG),
        (b"nonsense", 200, Reason.PROTOCOL_VIOLATION),
        ([], 200, Reason.PROTOCOL_VIOLATION),
        ({"protocols": {}}, 200, Reason.PROTOCOL_VIOLATION),
        (b"<html></html>", 200, Reason.PROTOCOL_VIOLATION),
        (b"", 503, Reason.SERVER_BUSY),
        (b"", 500, Reason.SERVER_ERROR),
    ],
)
def test_anything_else_is_a_fault(document: object, status: int, reason: Reason) -> None:
    """An address that nobody knows is a matter of set-up."""
    with pytest.raises(FaultError) as caught:
        ASK.read(reply(document, status))
    assert caught.value.fault.reason is reason
