"""The items of a folder."""

import pytest

from prober.protocols.eas.sync import Changes, Sync, SyncPrime
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
    assert found == Changes("2", ("5:1",), others=2, more=True)
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
