"""DeleteItem, asked and answered."""

from prober.protocols.ews.delete_item import DeleteItem
from tests.protocols.ews.made import WHO, failed, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = DeleteItem(WHO, "A=")


def test_an_item_is_deleted_for_good() -> None:
    assert b'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="A="/>' in ASK.call().body


def test_a_printed_answer_is_read() -> None:
    ASK.read(printed("delete_item"))


def test_an_item_that_is_not_there_is_a_fault() -> None:
    assert fault_of(lambda: ASK.read(failed("DeleteItem", "ErrorItemNotFound"))).kind.code == "ews_item_not_found"


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, printed("delete_item"))
