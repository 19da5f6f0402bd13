"""What references lead to, and what they do not."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from prober.simulator.ews import ids
from prober.simulator.ews.session import Session, children_of
from prober.simulator.ews.soap import Malformed, Refused
from tests.simulator.ews.desk import BOB, Desk

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"


def folder(name: str, owner: str = "") -> ET.Element:
    element = ET.Element(f"{T}DistinguishedFolderId", Id=name)
    if owner:
        ET.SubElement(ET.SubElement(element, f"{T}Mailbox"), f"{T}EmailAddress").text = owner
    return element


def refusal(session: Session, reference: ET.Element) -> str:
    with pytest.raises(Refused) as caught:
        session.folder(reference)
    return caught.value.code


def test_folders_are_found_by_name_and_by_id() -> None:
    desk = Desk()
    session = desk.session("GetFolder", "<m:GetFolder/>")
    assert session.folder(folder("Inbox")) is desk.mailbox.inbox
    by_id = ET.Element(f"{T}FolderId", dict(ids.folder_id(desk.mailbox, "inbox").attrib))
    assert session.folder(by_id) is desk.mailbox.inbox
    assert session.place(folder("msgfolderroot")) == "msgfolderroot"


def test_what_is_not_there_or_not_ones_own_is_refused() -> None:
    desk = Desk()
    session = desk.session("GetFolder", "<m:GetFolder/>")
    strange = ET.Element(f"{T}FolderId", dict(ids.folder_id(desk.other, "inbox").attrib))
    assert refusal(session, strange) == "ErrorFolderNotFound"
    assert refusal(session, folder("publicfoldersroot")) == "ErrorFolderNotFound"
    assert refusal(session, folder("root")) == "ErrorFolderNotFound"
    assert refusal(session, folder("inbox", BOB)) == "ErrorAccessDenied"
    assert refusal(session, folder("inbox", "no-one@contoso.example")) == "ErrorNonExistentMailbox"
    with pytest.raises(Malformed):
        session.folder(ET.Element("x"))
    with pytest.raises(Malformed, match="FolderShape"):
        session.part("FolderShape")


def test_items_are_those_of_the_view() -> None:
    desk = Desk()
    now = desk.tenant.clocks.now()
    item = desk.mailbox.deliver("one", received=now)
    reference = ET.Element("x", dict(ids.item_id(desk.mailbox, item).attrib))
    session = desk.session("GetItem", "<m:GetItem/>")
    assert session.item(reference) == item
    past = Session(desk.tenant, desk.mailbox, "GetItem", session.element, now - timedelta(hours=1))
    assert past.items(desk.mailbox.inbox) == []
    for one in (past, Session(desk.tenant, desk.other, "GetItem", session.element)):
        with pytest.raises(Refused, match="not found"):
            one.item(reference)


def test_the_tree_has_two_levels_below_the_root() -> None:
    assert children_of("root") == ("msgfolderroot",)
    assert "inbox" in children_of("msgfolderroot")
    assert children_of("inbox") == ()
