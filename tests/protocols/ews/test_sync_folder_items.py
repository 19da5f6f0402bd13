"""SyncFolderItems, asked and answered."""

import pytest

from prober.protocols.ews.sync_folder_items import Arrived, Changes, SyncFolderItems
from tests.protocols.ews.made import WHO, done, failed, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = SyncFolderItems(WHO)
STATE = "<m:SyncState>s2</m:SyncState>"
LAST = "<m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
CREATE = (
    '<t:Create><t:Message><t:ItemId Id="a"/><t:DateTimeReceived>2026-01-01T00:00:00Z</t:DateTimeReceived>'
    "</t:Message></t:Create>"
)
DELETE = '<t:Delete><t:ItemId Id="b"/></t:Delete>'
READ = '<t:ReadFlagChange><t:ItemId Id="c"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>'


def test_what_is_asked_for() -> None:
    """Ids and times of receipt, at most so many."""
    body = SyncFolderItems(WHO, "H4=", 100).call().body
    assert b"<m:SyncState>H4=</m:SyncState><m:MaxChangesReturned>100</m:MaxChangesReturned>" in body
    assert b'FieldURI="item:DateTimeReceived"' in body
    assert b"SyncState" not in ASK.call().body
    assert b"<m:MaxChangesReturned>512<" in ASK.call().body


def test_a_printed_answer_is_read() -> None:
    """Its item is a meeting request that does not say when it was received."""
    assert ASK.read(printed("sync_items")) == Changes("H4sIAAAAA=", (Arrived("AQApAHRwA==", None),))


def test_changes_are_told_apart() -> None:
    found = ASK.read(done("SyncFolderItems", STATE, LAST, f"<m:Changes>{CREATE}{DELETE}{READ}</m:Changes>"))
    assert found == Changes("s2", (Arrived("a", 1767225600.0),), frozenset({"b"}), 1)
    assert not ASK.read(done("SyncFolderItems", STATE, LAST.replace("true", "false"))).last


@pytest.mark.parametrize(
    "content",
    [
        (STATE,),
        (LAST,),
        (STATE, LAST, "<m:Changes><t:Create/></m:Changes>"),
        (STATE, LAST, "<m:Changes><t:Create><t:Message/></t:Create></m:Changes>"),
        (STATE, LAST, "<m:Changes><t:Delete/></m:Changes>"),
    ],
)
def test_what_has_to_be_there_is_missed(content: tuple[str, ...]) -> None:
    assert fault_of(lambda: ASK.read(done("SyncFolderItems", *content))).kind.code == "ews_element_missing"


def test_a_refused_state_is_named() -> None:
    fault = fault_of(lambda: ASK.read(failed("SyncFolderItems", "ErrorInvalidSyncStateData")))
    assert fault.kind.code == "ews_invalid_sync_state_data"


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, done("SyncFolderItems", STATE, LAST, f"<m:Changes>{CREATE}{DELETE}</m:Changes>"))
