"""Folders as they are listed; the walk of a real client is in the test of the service."""

import pytest

from tests.simulator.ews.desk import Desk, envelope, said, texts

FIND = (
    '<m:FindFolder Traversal="{how}"><m:FolderShape><t:BaseShape>{shape}</t:BaseShape></m:FolderShape>{view}'
    '<m:ParentFolderIds><t:DistinguishedFolderId Id="{parent}"/></m:ParentFolderIds></m:FindFolder>'
)
HIERARCHY = (
    "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    "<m:SyncState>{state}</m:SyncState></m:SyncFolderHierarchy>"
)


async def found(how: str, parent: str, shape: str = "Default", view: str = "") -> list[str]:
    return texts(await Desk().ask(FIND.format(how=how, parent=parent, shape=shape, view=view)), "DisplayName")


async def test_traversal_is_one_level_or_all() -> None:
    assert await found("Shallow", "root") == ["Top of Information Store"]
    assert len(await found("Deep", "root")) == 12
    assert "Inbox" in await found("Shallow", "msgfolderroot")
    assert await found("Deep", "inbox") == []


async def test_the_shape_decides_what_is_told() -> None:
    assert await found("Shallow", "root", "IdOnly") == []
    desk = Desk()
    root = await desk.ask(FIND.format(how="Shallow", parent="msgfolderroot", shape="AllProperties", view=""))
    assert "IPF.Appointment" in texts(root, "FolderClass")
    assert len(texts(root, "ParentFolderId")) == 11
    assert len(texts(root, "UnreadCount")) == 9
    assert (await desk.reply(envelope(FIND.format(how="Shallow", parent="root", shape="X", view="")))).status == 500


async def test_pages_lead_on() -> None:
    page = '<m:IndexedPageFolderView MaxEntriesReturned="4" Offset="{}" BasePoint="Beginning"/>'
    root = await Desk().ask(FIND.format(how="Shallow", parent="msgfolderroot", shape="Default", view=page.format(8)))
    folder = next(one for one in root.iter() if one.tag.endswith("}RootFolder"))
    assert folder.attrib == {
        "IndexedPagingOffset": "11",
        "TotalItemsInView": "11",
        "IncludesLastItemInRange": "true",
    }
    assert len(await found("Shallow", "msgfolderroot", view=page.format(0))) == 4


@pytest.mark.parametrize(("offset", "status"), [("-1", 200), ("x", 500)])
async def test_impossible_pages_are_refused(offset: str, status: int) -> None:
    view = f'<m:IndexedPageFolderView MaxEntriesReturned="4" Offset="{offset}" BasePoint="Beginning"/>'
    reply = await Desk().reply(envelope(FIND.format(how="Deep", parent="root", shape="Default", view=view)))
    assert reply.status == status
    assert b"NoError" not in bytes(reply.body)  # type: ignore[arg-type]  # no stream


async def test_unknown_folders_are_refused_one_by_one() -> None:
    mixed = (
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"
        '<t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="nowhere"/></m:FolderIds></m:GetFolder>'
    )
    assert said(await Desk().ask(mixed)) == ["NoError", "ErrorFolderNotFound"]
    assert said(await Desk().ask(FIND.format(how="Deep", parent="no", shape="IdOnly", view=""))) == [
        "ErrorFolderNotFound"
    ]


async def test_the_hierarchy_comes_once() -> None:
    desk = Desk()
    first = await desk.ask(HIERARCHY.format(state=""))
    assert len(texts(first, "Create")) == 12
    assert texts(first, "IncludesLastFolderInRange") == ["true"]
    second = await desk.ask(HIERARCHY.format(state=texts(first, "SyncState")[0]))
    assert texts(second, "Create") == []
    assert said(await desk.ask(HIERARCHY.format(state="nonsense"))) == ["ErrorInvalidSyncStateData"]
