"""GetFolder, asked and answered."""

from xml.etree import ElementTree as ET

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.ews import soap
from prober.protocols.ews.get_folder import Folders, GetFolder
from tests.protocols.ews.made import WHO, answer, fault_of, refused, reply, success, survive
from tests.protocols.ews.printed import printed

BOTH = GetFolder(WHO)


def folder(name: str, total: str = "3") -> str:
    inner = f'<t:FolderId Id="{name}" ChangeKey="A"/><t:TotalCount>{total}</t:TotalCount>'
    return success("GetFolder", f"<m:Folders><t:Folder>{inner}</t:Folder></m:Folders>")


def test_inbox_and_calendar_are_asked_for_by_their_names() -> None:
    """Ids, and how much there is."""
    root = ET.fromstring(BOTH.call().body)
    wanted = [one.get("Id") for one in root.iter(f"{{{soap.TYPES}}}DistinguishedFolderId")]
    assert wanted == ["inbox", "calendar"]
    assert root.find(f".//{{{soap.TYPES}}}BaseShape").text == "IdOnly"  # type: ignore[union-attr]  # it is there
    assert [one.get("FieldURI") for one in root.iter(f"{{{soap.TYPES}}}FieldURI")] == ["folder:TotalCount"]


def test_a_printed_answer_is_read() -> None:
    assert GetFolder(WHO, ("inbox",)).read(printed("get_folder")) == Folders(("AQApA=",), (2,), "8.0.628.0")


def test_two_folders_are_read_in_order() -> None:
    found = BOTH.read(reply(answer("GetFolder", folder("i", "12"), folder("c", "4"))))
    assert (found.ids, found.totals, found.build) == (("i", "c"), (12, 4), "15.20.9200.10")


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([folder("i"), refused("GetFolder", "ErrorFolderNotFound")], "ews_folder_not_found"),
        ([folder("i")], "ews_wrong_answer"),
        ([folder("i"), success("GetFolder")], "ews_element_missing"),
        ([folder("i"), folder("", "3")], "ews_element_missing"),
        ([folder("i"), folder("c", "")], "ews_element_missing"),
        ([folder("i"), folder("c", "many")], "ews_malformed_value"),
    ],
)
def test_anything_less_is_a_fault(messages: list[str], kind: str) -> None:
    assert fault_of(lambda: BOTH.read(reply(answer("GetFolder", *messages)))).kind.code == kind


def test_a_printed_error_is_a_fault() -> None:
    assert fault_of(lambda: BOTH.read(printed("get_folder_error"))).reason is Reason.CLIENT_MISCONFIG


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(BOTH.read, reply(answer("GetFolder", folder("i"), folder("c"))))
