"""GetItem, asked and answered."""

from prober.protocols.ews.get_item import GetItem
from tests.protocols.ews.made import WHO, done, failed, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = GetItem(WHO, 'A"Al')
ITEM = (
    '<m:Items><t:Message><t:ItemId Id="a"/><t:DateTimeReceived>2026-01-01T00:00:00Z</t:DateTimeReceived></t:Message>'
    "</m:Items>"
)


def test_one_item_is_asked_for_and_only_when_it_was_received() -> None:
    body = ASK.call().body
    assert b'<t:ItemId Id="A&quot;Al"/>' in body
    assert body.count(b"FieldURI=") == 1
    assert b'FieldURI="item:DateTimeReceived"' in body


def test_its_time_is_read() -> None:
    assert ASK.read(done("GetItem", ITEM)) == 1767225600.0
    assert ASK.read(done("GetItem", '<m:Items><t:Message><t:ItemId Id="a"/></t:Message></m:Items>')) is None


def test_a_printed_error_is_a_fault() -> None:
    assert fault_of(lambda: ASK.read(printed("get_item_error"))).kind.code == "ews_invalid_property_request"


def test_an_item_that_is_gone_is_told_apart() -> None:
    fault = fault_of(lambda: ASK.read(failed("GetItem", "ErrorItemNotFound", "<m:Items/>")))
    assert fault.evidence["response_code"] == "ErrorItemNotFound"


def test_an_answer_without_an_item_is_a_fault() -> None:
    for content in ("", "<m:Items/>", "<m:Items><t:Message/></m:Items>"):
        assert fault_of(lambda content=content: ASK.read(done("GetItem", content))).kind.code == "ews_element_missing"  # type: ignore[misc]  # a loop's variable, held


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, done("GetItem", ITEM))
