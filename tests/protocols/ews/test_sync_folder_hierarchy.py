"""SyncFolderHierarchy, asked and answered."""

import pytest

from prober.protocols.ews.sync_folder_hierarchy import Hierarchy, SyncFolderHierarchy
from tests.protocols.ews.made import WHO, done, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = SyncFolderHierarchy(WHO)
STATE = "<m:SyncState>s2</m:SyncState>"
LAST = "<m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>"
CHANGES = '<m:Changes><t:Create/><t:Update/><t:Delete><t:FolderId Id="x"/></t:Delete></m:Changes>'


def test_the_first_time_there_is_no_state() -> None:
    """Later on it goes with the question, as text."""
    assert b"SyncState" not in ASK.call().body
    assert b"<m:SyncState>H4&lt;</m:SyncState>" in SyncFolderHierarchy(WHO, "H4<").call().body
    assert b'Id="msgfolderroot"' in ASK.call().body


def test_a_printed_answer_is_read() -> None:
    assert ASK.read(printed("sync_hierarchy")) == Hierarchy("H4sIAAA==", created=1)


def test_a_printed_error_names_the_state() -> None:
    fault = fault_of(lambda: ASK.read(printed("sync_hierarchy_error")))
    assert fault.evidence["response_code"] == "ErrorInvalidSyncStateData"


def test_changes_are_counted() -> None:
    assert ASK.read(done("SyncFolderHierarchy", STATE, LAST, CHANGES)) == Hierarchy("s2", 1, 2)
    more = LAST.replace("true", "false")
    assert ASK.read(done("SyncFolderHierarchy", STATE, more)) == Hierarchy("s2", last=False)


@pytest.mark.parametrize("content", [(STATE,), (LAST,), ("<m:SyncState/>", LAST)])
def test_state_and_end_have_to_be_there(content: tuple[str, ...]) -> None:
    assert fault_of(lambda: ASK.read(done("SyncFolderHierarchy", *content))).kind.code == "ews_element_missing"


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, done("SyncFolderHierarchy", STATE, LAST, CHANGES))
