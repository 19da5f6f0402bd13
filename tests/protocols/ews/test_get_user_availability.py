"""GetUserAvailability, asked and answered."""

from xml.etree import ElementTree as ET

import pytest

from prober.protocols.ews import soap
from prober.protocols.ews.get_user_availability import FreeBusy, GetUserAvailability
from tests.protocols.ews.made import SPACES, WHO, fault_of, reply, survive
from tests.protocols.ews.printed import printed

ASK = GetUserAvailability(WHO, ("a@b",), 1767225600.0)
T = f"{{{soap.TYPES}}}"


def test_a_day_is_asked_about_in_utc() -> None:
    root = ET.fromstring(GetUserAvailability(WHO, ("a@b", "c&d@e"), 1767225600.0).call().body)
    assert [one.text for one in root.iter(f"{T}Address")] == ["a@b", "c&d@e"]
    assert root.findtext(f".//{T}TimeWindow/{T}StartTime") == "2026-01-01T00:00:00"
    assert root.findtext(f".//{T}TimeWindow/{T}EndTime") == "2026-01-02T00:00:00"
    assert {one.text for one in root.iter(f"{T}Bias")} == {"0"}
    assert root.findtext(f".//{T}RequestedView") == "FreeBusyMerged"


def test_a_printed_answer_is_read() -> None:
    assert ASK.read(printed("availability")) == (FreeBusy("FreeBusyMerged", "000000001100000000000000", 1),)


def answer(inner: str) -> str:
    array = f"<m:FreeBusyResponseArray><m:FreeBusyResponse>{inner}</m:FreeBusyResponse></m:FreeBusyResponseArray>"
    return f"<m:GetUserAvailabilityResponse {SPACES}>{array}</m:GetUserAvailabilityResponse>"


def message(code: str, kind: str = "Error") -> str:
    inner = f"<m:ResponseCode>{code}</m:ResponseCode>"
    return f'<m:ResponseMessage ResponseClass="{kind}">{inner}</m:ResponseMessage>'


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (message("ErrorProxyRequestProcessingFailed"), "ews_proxy_request_processing_failed"),
        (message("ErrorMailRecipientNotFound"), "ews_mail_recipient_not_found"),
        ("", "ews_element_missing"),
        (message("NoError", "Success"), "ews_element_missing"),
        (message("NoError", "Success") + "<m:FreeBusyView/>", "ews_element_missing"),
    ],
)
def test_anything_less_is_a_fault(inner: str, kind: str) -> None:
    assert fault_of(lambda: ASK.read(reply(answer(inner)))).kind.code == kind


def test_every_address_has_to_be_answered_for() -> None:
    two = GetUserAvailability(WHO, ("a@b", "c@d"), 0.0)
    assert fault_of(lambda: two.read(printed("availability"))).kind.code == "ews_wrong_answer"


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, printed("availability"))
