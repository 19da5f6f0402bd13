"""CreateItem, asked and answered."""

from xml.etree import ElementTree as ET

import pytest

from prober.protocols.ews import soap
from prober.protocols.ews.create_item import CreateItem
from tests.protocols.ews.made import WHO, done, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = CreateItem(WHO, "probe <1>")
ITEM = '<m:Items><t:Message><t:ItemId Id="a"/></t:Message></m:Items>'
M, T = f"{{{soap.MESSAGES}}}", f"{{{soap.TYPES}}}"


def test_a_message_is_saved_in_the_inbox_and_not_sent() -> None:
    root = ET.fromstring(ASK.call().body)
    operation = root.find(f".//{M}CreateItem")
    assert operation is not None
    assert operation.get("MessageDisposition") == "SaveOnly"
    where = operation.find(f"{M}SavedItemFolderId/{T}DistinguishedFolderId")
    assert where is not None
    assert where.get("Id") == "inbox"
    message = operation.find(f"{M}Items/{T}Message")
    assert message is not None
    assert [one.tag.removeprefix(T) for one in message] == ["Subject", "ExtendedProperty"]
    assert message.findtext(f"{T}Subject") == "probe <1>"


def test_its_id_is_read() -> None:
    assert ASK.read(done("CreateItem", ITEM)) == "a"


@pytest.mark.parametrize("content", ["", "<m:Items/>", "<m:Items><t:Message/></m:Items>"])
def test_an_answer_without_an_id_is_a_fault(content: str) -> None:
    assert fault_of(lambda: ASK.read(done("CreateItem", content))).kind.code == "ews_element_missing"


def test_a_printed_error_is_a_fault() -> None:
    """Its code is none that a client of ours should meet."""
    fault = fault_of(lambda: ASK.read(printed("create_item_error")))
    assert (fault.kind.code, fault.evidence["response_code"]) == ("ews_unknown_code", "ErrorSendAsDenied")


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, done("CreateItem", ITEM))
