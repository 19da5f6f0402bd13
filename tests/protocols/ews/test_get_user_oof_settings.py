"""GetUserOofSettings, asked and answered."""

from dataclasses import replace

import pytest

from prober.protocols.ews.get_user_oof_settings import GetUserOofSettings
from tests.protocols.ews.made import SPACES, WHO, fault_of, reply, survive
from tests.protocols.ews.printed import printed

ASK = GetUserOofSettings(WHO)


def test_a_printed_answer_is_read() -> None:
    assert ASK.read(printed("oof")) == "Disabled"
    assert b"<t:Address>a@example.test</t:Address>" in ASK.call().body


def test_a_printed_fault_is_one() -> None:
    assert fault_of(lambda: ASK.read(printed("oof_error", 500))).kind.code == "ews_fault_of_client"


def test_a_state_nobody_knows_is_a_fault() -> None:
    said = printed("oof")
    odd = replace(said, body=said.body.replace(b"Disabled", b"Perhaps"))
    assert fault_of(lambda: ASK.read(odd)).kind.code == "ews_malformed_value"


WELL = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'
DENIED = WELL.replace("Success", "Error").replace("NoError", "ErrorAccessDenied")


@pytest.mark.parametrize(
    ("inner", "kind"), [("", "ews_element_missing"), (WELL, "ews_element_missing"), (DENIED, "ews_access_denied")]
)
def test_anything_less_is_a_fault(inner: str, kind: str) -> None:
    content = f"<m:GetUserOofSettingsResponse {SPACES}>{inner}</m:GetUserOofSettingsResponse>"
    assert fault_of(lambda: ASK.read(reply(content))).kind.code == kind


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, printed("oof"))
