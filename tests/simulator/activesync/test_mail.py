"""Settings, single items, search, sending, moving."""

import pytest

from prober.simulator.activesync import mail
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.mailbox import FolderKind
from tests.simulator.activesync.made import Desk


def document(done: Done) -> Node:
    assert done.document is not None
    return done.document


def message(*headers: str, client_id: str = "c1") -> Node:
    mime = "\r\n".join([*headers, "Subject: s", "", "text"]).encode()
    return node(t.SEND_MAIL, text(t.SEND_CLIENT_ID, client_id), Node(t.MIME, data=mime))


async def test_sending_is_silent_and_arrives() -> None:
    """At every mailbox of the tenant it is addressed to; elsewhere nobody is."""
    desk = Desk()
    other = desk.tenant.open_mailbox("b@x.test", "s")
    done = await mail.send_mail(desk.session(message("To: a@x.test, Bob <B@x.test>, c@elsewhere.test")))
    assert done == Done()
    assert [box.inbox.visible()[-1].body.strip() for box in (desk.mailbox, other)] == ["text", "text"]
    assert desk.mailbox.folders[FolderKind.SENT].visible() == []


async def test_the_same_message_is_not_sent_twice() -> None:
    """Its client id tells; and one to nobody is not sent at all."""
    desk = Desk()
    await mail.send_mail(desk.session(message("To: a@x.test")))
    again = document(await mail.send_mail(desk.session(message("To: a@x.test"))))
    nobody = document(await mail.send_mail(desk.session(message(client_id="c2"))))
    assert (again.value(t.SEND_STATUS), nobody.value(t.SEND_STATUS)) == ("118", "119")
    assert len(desk.mailbox.inbox.visible()) == 1


async def test_an_item_is_fetched_or_not_there() -> None:
    """By collection and id, by long id; from no other store."""
    desk = Desk()
    desk.mailbox.deliver("s")

    async def fetched(*parts: Node, store: str = "Mailbox") -> str:
        asked = node(t.ITEM_OPERATIONS, node(t.ITEM_FETCH, text(t.ITEM_STORE, store), *parts))
        return document(await mail.item_operations(desk.session(asked))).value(
            t.ITEM_RESPONSE, t.ITEM_FETCH, t.ITEM_STATUS
        )

    assert await fetched(text(t.COLLECTION_ID, 1), text(t.SERVER_ID, "1:1")) == "1"
    assert await fetched(text(t.LONG_ID, "1:1")) == "1"
    assert await fetched(text(t.COLLECTION_ID, 1), text(t.SERVER_ID, "1:9")) == "6"
    assert await fetched(text(t.COLLECTION_ID, 99), text(t.SERVER_ID, "99:1")) == "6"
    assert await fetched(text(t.SERVER_ID, "1:1"), store="DocumentLibrary") == "9"


async def test_moved_items_are_elsewhere() -> None:
    """3 says so; a source or a destination that is not there has its own status."""
    desk = Desk()
    desk.mailbox.deliver("s")

    def move(item: str, source: int, destination: int) -> Node:
        parts = (text(t.SRC_MSG_ID, item), text(t.SRC_FLD_ID, source), text(t.DST_FLD_ID, destination))
        return node(t.MOVE, *parts)

    asked = node(t.MOVE_ITEMS, move("1:9", 1, 4), move("1:1", 1, 99), move("1:1", 1, 4))
    done = document(await mail.move_items(desk.session(asked)))
    assert [one.value(t.MOVE_STATUS) for one in done.children] == ["1", "2", "3"]
    assert desk.mailbox.inbox.visible() == []
    assert [item.subject for item in desk.mailbox.folders[FolderKind.DELETED].visible()] == ["s"]


async def test_settings_answer_each_part() -> None:
    """The user's address, the device noted, nobody out of office."""
    asked = node(
        t.SETTINGS,
        node(t.USER_INFORMATION, node(t.GET)),
        node(t.DEVICE_INFORMATION, node(t.SET)),
        node(t.OOF, node(t.GET)),
    )
    done = document(await mail.settings(Desk().session(asked)))
    accounts = (t.USER_INFORMATION, t.GET, t.ACCOUNTS, t.ACCOUNT, t.EMAIL_ADDRESSES, t.SMTP_ADDRESS)
    assert done.value(*accounts) == "a@x.test"
    assert done.value(t.OOF, t.GET, t.OOF_STATE) == "0"


@pytest.mark.parametrize(
    ("store", "words", "total"), [("Mailbox", "hay", 2), ("Mailbox", "needle", 1), ("GAL", "a@", 1), ("GAL", "zz", 0)]
)
async def test_a_search_counts_what_it_finds(store: str, words: str, total: int) -> None:
    """In the mailbox by words, in the address list by name."""
    desk = Desk()
    desk.mailbox.deliver("hay")
    desk.mailbox.deliver("hay", body="a needle")
    query = node(t.QUERY, node(t.AND, text(t.FREE_TEXT, words))) if store == "Mailbox" else text(t.QUERY, words)
    asked = node(t.SEARCH, node(t.STORE, text(t.STORE_NAME, store), query))
    found = document(await mail.search(desk.session(asked)))
    assert found.value(t.SEARCH_RESPONSE, t.STORE, t.TOTAL) == str(total)


@pytest.mark.parametrize("command", [mail.settings, mail.item_operations, mail.search, mail.send_mail])
async def test_a_command_without_its_document_says_so(command: object) -> None:
    """By a status, and it does nothing."""
    desk = Desk()
    done = await command(desk.session(None))  # type: ignore[operator]  # a command
    assert document(done).children[0].text not in ("", "1")
    assert desk.mailbox.sequence == 0


async def test_a_folded_subject_in_other_letters_is_one_line_of_text() -> None:
    """And the message can be read as MIME afterwards."""
    desk = Desk()
    folded = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n and more"
    mime = f"To: a@x.test\r\n{folded}\r\n\r\ntext".encode()
    await mail.send_mail(desk.session(node(t.SEND_MAIL, text(t.SEND_CLIENT_ID, "c"), Node(t.MIME, data=mime))))
    item = desk.mailbox.inbox.visible()[-1]
    assert item.subject == "Grüße and more"
    assert b"Message-ID" in item.mime()


async def test_the_memory_of_what_was_sent_is_bounded() -> None:
    """The last ones are remembered."""
    desk = Desk()
    for number in range(mail.SENT_KEPT + 50):
        await mail.send_mail(desk.session(message("To: a@x.test", client_id=f"c{number}")))
    assert len(desk.device.sent) <= mail.SENT_KEPT + 1
