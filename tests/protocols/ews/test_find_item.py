"""FindItem, asked and answered."""

from xml.etree import ElementTree as ET

import pytest

from prober.protocols.ews import soap
from prober.protocols.ews.find_item import FindItem, Found
from tests.protocols.ews.made import WHO, done, fault_of, survive
from tests.protocols.ews.printed import printed

ASK = FindItem(WHO, 'can"ary')
M, T = f"{{{soap.MESSAGES}}}", f"{{{soap.TYPES}}}"


def test_a_subject_is_looked_for() -> None:
    """The parts stand in the order of the schema."""
    root = ET.fromstring(ASK.call().body)
    operation = root.find(f".//{M}FindItem")
    assert operation is not None
    names = [one.tag.removeprefix(M) for one in operation]
    assert names == ["ItemShape", "IndexedPageItemView", "Restriction", "SortOrder", "ParentFolderIds"]
    contains = operation.find(f"{M}Restriction/{T}Contains")
    assert contains is not None
    assert contains.get("ContainmentMode") == "Substring"
    assert [one.attrib for one in contains] == [{"FieldURI": "item:Subject"}, {"Value": 'can"ary'}]
    assert b"Restriction" not in FindItem(WHO).call().body


def test_a_printed_answer_is_read() -> None:
    assert ASK.read(printed("find_item")) == Found(10, "AS4AUn=")


def test_nothing_found_is_no_fault() -> None:
    found = ASK.read(done("FindItem", '<m:RootFolder TotalItemsInView="0"><t:Items/></m:RootFolder>'))
    assert found == Found(0)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("", "ews_element_missing"),
        ("<m:RootFolder/>", "ews_malformed_value"),
        ('<m:RootFolder TotalItemsInView="many"/>', "ews_malformed_value"),
        (
            '<m:RootFolder TotalItemsInView="1"><t:Items><t:Message/></t:Items></m:RootFolder>',
            "ews_element_missing",
        ),
    ],
)
def test_anything_less_is_a_fault(content: str, kind: str) -> None:
    assert fault_of(lambda: ASK.read(done("FindItem", content))).kind.code == kind


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(ASK.read, printed("find_item"))
