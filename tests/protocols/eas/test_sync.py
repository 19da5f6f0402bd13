"""The items of a folder."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas.sync import COLLECTION, Changes, Sync, SyncPrime, date_time, fetch_body
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

PRIME, SYNC = SyncPrime(PHONE, "5"), Sync(PHONE, "5", "1")


def collection(*inside: bytes) -> bytes:
    return tag(0x05, tag(0x1C, tag(0x0F, *inside)))


def test_questions_are_written_as_published() -> None:
    """The order of elements is the schema's."""
    assert PRIME.call().body == vector("sync_prime")
    assert Sync(PHONE, "5", "1", window=1).call().body == vector("sync_fetch")


def test_a_long_poll_says_how_long() -> None:
    """After the folders; the connection may stay silent as long."""
    call = Sync(PHONE, "5", "1", window=1, heartbeat=60).call()
    assert call.body == vector("sync_fetch")[:-1] + tag(0x29, "60").replace(b"\x69", b"\x00\x00\x69", 1) + b"\x01"
    assert (call.hold, SYNC.call().hold) == (60.0, 0.0)


@pytest.mark.parametrize("key", ["1", "-1", "{abc}2"])
def test_the_first_key_is_read(key: str) -> None:
    """SOGo's is always -1."""
    assert PRIME.read(answer(collection(tag(0x0B, key), tag(0x12, "5"), tag(0x0E, "1")))) == key


@pytest.mark.parametrize("inside", [(tag(0x0E, "1"),), (tag(0x0B, "0"), tag(0x0E, "1"))])
def test_a_first_key_is_due(inside: tuple[bytes, ...]) -> None:
    """None, or 0, is none."""
    assert refused(PRIME.read, answer(collection(*inside))).kind.code == "eas_element_missing"


def test_an_empty_answer_means_nothing_new() -> None:
    """The key stays."""
    assert SYNC.read(answer()) == Changes(empty=True)


def test_items_are_read_with_what_waits() -> None:
    """Changes and deletions are counted; an item's content is left alone, from whatever page."""
    added = tag(0x07, tag(0x0D, "5:1"), tag(0x1D, page(2), tag(0x14, "canary"), page(0)))
    commands = tag(0x16, added, tag(0x08, tag(0x0D, "5:2")), tag(0x09, tag(0x0D, "5:3")))
    found = SYNC.read(answer(collection(tag(0x0B, "2"), tag(0x12, "5"), tag(0x0E, "1"), tag(0x14), commands)))
    assert found == Changes("2", ("5:1",), others=2, more=True, gone=("5:3",))
    assert not found.quiet
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (tag(0x05, tag(0x0E, "13")), "eas_sync_13"),
        (tag(0x05, tag(0x0E, "142")), "eas_142"),
        (collection(tag(0x0B, "0"), tag(0x0E, "3")), "eas_sync_3"),
        (collection(tag(0x0B, "1"), tag(0x0E, "16")), "eas_sync_16"),
        (tag(0x05, tag(0x1C)), "eas_element_missing"),
        (collection(tag(0x0B, "1")), "eas_element_missing"),
        (collection(tag(0x0B, "1"), tag(0x0E, "1"), tag(0x16, tag(0x07, tag(0x1D)))), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(document: bytes, code: str) -> None:
    """A status at either level, or something that is missing."""
    assert refused(SYNC.read, answer(document)).kind.code == code
    if "missing" not in code:
        assert refused(PRIME.read, answer(document)).kind.code == code


def test_items_tell_when_they_were_received_and_whether_they_are_markers() -> None:
    """By element and by exact subject; without a marker's subject none is one."""
    told = tag(0x1D, page(2), tag(0x14, "mark"), tag(0x0F, "2026-01-03T10:00:00.000Z"), page(0))
    commands = tag(0x16, tag(0x07, tag(0x0D, "5:1"), told), tag(0x07, tag(0x0D, "5:2")), tag(0x21, tag(0x0D, "5:3")))
    reply = answer(collection(tag(0x0B, "2"), tag(0x12, "5"), tag(0x0E, "1"), commands))
    found = replace(SYNC, marker="mark").read(reply)
    assert found.received == (("5:1", 1_767_434_400.0),)
    assert (found.marked, found.gone) == (("5:1",), ("5:3",))
    assert SYNC.read(reply).marked == ()
    assert replace(SYNC, marker="mar").read(reply).marked == ()
    assert "mark" not in repr(replace(SYNC, marker="mark"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2002-11-27T22:28:00.000Z", 1_038_436_080.0),
        ("20021127T222800Z", 1_038_436_080.0),
        ("2002-11-27T22:28:00Z", 1_038_436_080.0),
        ("2002-13-27T22:28:00.000Z", None),
        ("2002-11-27T22:28:00.000", None),
        ("0000-01-01T00:00:00Z", None),
        ("\u0662002-11-27T22:28:00Z", None),
        ("", None),
    ],
)
def test_dates_are_read_in_both_forms_of_the_data_type(text: str, expected: float | None) -> None:
    """MS-ASDTYPE section 2.3; what is none is not known."""
    assert date_time(text) == expected


def test_a_wait_that_is_refused_tells_the_limit_in_seconds() -> None:
    """MS-ASCMD, element Limit: in the unit in which it was asked; to a Sync that did not wait it is a fault."""
    refusal = answer(tag(0x05, tag(0x0E, "14"), tag(0x25, "59")))
    assert replace(SYNC, heartbeat=30).read(refusal) == Changes(limit=59)
    older = replace(SYNC, heartbeat=7200, phone=replace(SYNC.phone, version="12.1"))
    assert older.read(refusal) == Changes(limit=3540)
    assert refused(SYNC.read, refusal).kind.code == "eas_sync_14"
    for text in ("", "x", "0", "1234567"):
        odd = answer(tag(0x05, tag(0x0E, "14"), tag(0x25, *([text] if text else []))))
        assert refused(replace(SYNC, heartbeat=30).read, odd).kind.code == "eas_sync_14"


def test_items_are_removed_for_good_and_in_the_order_of_the_schema() -> None:
    """DeletesAsMoves before GetChanges, Commands last (MS-ASCMD section 2.2.3.29.2)."""
    collection = next(iter(fetch_body("5", "1", "5", "1", delete=("5:1", "5:2")).all(*COLLECTION)))
    names = [one.name for one in collection.children]
    wanted = ["SyncKey", "CollectionId", "DeletesAsMoves", "GetChanges", "WindowSize", "Options", "Commands"]
    assert names == [f"AirSync:{name}" for name in wanted]


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400), st.booleans())
def test_the_reader_raises_nothing_but_faults(place: int, value: int, end: int, waits: bool) -> None:
    """Whatever is damaged or cut off: dates, subjects, limits, items that went."""
    told = tag(0x1D, page(2), tag(0x14, "mark"), tag(0x0F, "2026-01-03T10:00:00.000Z"), page(0))
    commands = tag(0x16, tag(0x07, tag(0x0D, "5:1"), told), tag(0x09, tag(0x0D, "5:3")))
    whole = collection(tag(0x0B, "2"), tag(0x0E, "1"), commands)
    limit = tag(0x05, tag(0x0E, "14"), tag(0x25, "59"))
    body = bytearray(answer(limit if waits else whole).body)
    body[place % len(body)] = value
    try:
        replace(SYNC, heartbeat=30 * waits, marker="mark").read(Reply(200, body=bytes(body[:end])))
    except FaultError as error:
        raised = error
        assert raised.fault.kind.code
