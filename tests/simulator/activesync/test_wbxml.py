"""The codec, held against published bytes and against libwbxml and pyactivesync's own reader."""

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.wbxml import Malformed, Node, decode, encode, node, text

FOLDER_SYNC = bytes.fromhex("03 01 6A 00 00 07 56 52 03 30 00 01 01")
SETTINGS = bytes.fromhex("03 01 6A 00 00 12 45 5D 07 01 01")
SEND_MAIL = bytes.fromhex("03 01 6A 00 00 15 45 51 03 70 31 00 01 50 C3 04 4D 49 4D 45 01 01")
EXAMPLE = bytes.fromhex(
    "03 01 6A 00 45 5C 4F 50 03 43 6F 6E 74 61 63 74 73 00 01 4B 03 32 00 01 52 03 32 00 01 4E 03 31 00 01 01 01 01"
)
"""The beginning of the Sync answer of MS-ASWBXML's example, its elements closed."""


@pytest.mark.parametrize(
    ("document", "tree"),
    [
        (FOLDER_SYNC, node(t.FOLDER_SYNC, text(t.FOLDER_KEY, "0"))),
        (SETTINGS, node(t.SETTINGS, node(t.USER_INFORMATION, node(t.GET)))),
        (SEND_MAIL, node(t.SEND_MAIL, text(t.SEND_CLIENT_ID, "p1"), Node(t.MIME, data=b"MIME"))),
        (
            EXAMPLE,
            node(
                t.SYNC,
                node(
                    t.COLLECTIONS,
                    node(
                        t.COLLECTION,
                        text(t.CLASS, "Contacts"),
                        text(t.SYNC_KEY, 2),
                        text(t.COLLECTION_ID, 2),
                        text(t.STATUS, 1),
                    ),
                ),
            ),
        ),
    ],
)
def test_published_bytes_are_read_and_written(document: bytes, tree: Node) -> None:
    """Both ways, to the byte."""
    assert decode(document) == tree
    assert encode(tree) == document


def test_text_may_come_in_pieces() -> None:
    """Several inline strings are one."""
    assert decode(bytes.fromhex("03 01 6A 00 00 07 56 52 03 31 00 03 32 00 01 01")).value(t.FOLDER_KEY) == "12"


def test_long_data_say_their_length_in_several_bytes() -> None:
    """Seven bits each: 300 is 82 2C."""
    document = encode(node(t.SEND_MAIL, Node(t.MIME, data=b"x" * 300)))
    assert b"\xc3\x82\x2c" + b"x" * 300 in document
    assert decode(document).children[0].data == b"x" * 300


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\x03\x01\x6a\x00",
        b"\x03\x01\x04\x00\x45\x01",
        FOLDER_SYNC[:-1],
        FOLDER_SYNC + b"\x01",
        b"\x03\x01\x6a\x00\x00\x63\x45\x01",
        b"\x03\x01\x6a\x00\x00\x07\x7f\x01",
        b"\x03\x01\x6a\x00\xc5\x01",
        b"\x03\x01\x6a\x00\x45\x5c\x03\xff\xfe\x00\x01\x01",
        b"\x03\x01\x6a\x00\x45\xc3\xff\xff\xff\xff\x7f\x01",
        b"\x03\x01\x6a\x00" + b"\x45" * 500,
    ],
)
def test_what_is_no_document_is_malformed(document: bytes) -> None:
    """Too short, too long, of another kind, with unknown tags, attributes, broken text, endless data, too deep."""
    with pytest.raises(Malformed):
        decode(document)


@given(st.binary(max_size=60))
def test_no_bytes_bring_it_down(tail: bytes) -> None:
    """A document or malformed, and nothing else."""
    try:
        decode(b"\x03\x01\x6a\x00" + tail)
    except Malformed:
        return


OTHERWISE = {
    "HEARTBEAT": "HeartbeatInterval",
    "EMAIL_SUBJECT": "Subject",
    "CALENDAR_SUBJECT": "Subject",
    "MOVE_RESPONSE": "Response",
    "MOVE_STATUS": "Status",
    "ESTIMATE_COLLECTIONS": "Collections",
    "ESTIMATE_COLLECTION": "Collection",
    "ESTIMATE_COLLECTION_ID": "CollectionId",
    "ESTIMATE_RESPONSE": "Response",
    "ESTIMATE_STATUS": "Status",
    "FOLDER_NAME": "DisplayName",
    "FOLDER_ID": "ServerId",
    "FOLDER_TYPE": "Type",
    "FOLDER_STATUS": "Status",
    "FOLDER_CHANGES": "Changes",
    "FOLDER_ADD": "Add",
    "FOLDER_KEY": "SyncKey",
    "PING_STATUS": "Status",
    "PING_HEARTBEAT": "HeartbeatInterval",
    "PING_FOLDERS": "Folders",
    "PING_FOLDER": "Folder",
    "PING_ID": "Id",
    "PING_CLASS": "Class",
    "POLICY_DATA": "Data",
    "PROVISION_STATUS": "Status",
    "STORE_NAME": "Name",
    "SEARCH_OPTIONS": "Options",
    "SEARCH_STATUS": "Status",
    "SEARCH_RESPONSE": "Response",
    "GAL_NAME": "DisplayName",
    "GAL_ALIAS": "Alias",
    "GAL_ADDRESS": "EmailAddress",
    "BODY_TYPE": "Type",
    "BODY_DATA": "Data",
    "SETTINGS_STATUS": "Status",
    "INTERNAL": "AppliesToInternal",
    "EXTERNAL_KNOWN": "AppliesToExternalKnown",
    "EXTERNAL_UNKNOWN": "AppliesToExternalUnknown",
    "OOF_BODY_TYPE": "BodyType",
    "ITEM_FETCH": "Fetch",
    "ITEM_STORE": "Store",
    "ITEM_OPTIONS": "Options",
    "ITEM_PROPERTIES": "Properties",
    "ITEM_STATUS": "Status",
    "ITEM_RESPONSE": "Response",
    "SAVE_IN_SENT": "SaveInSentItems",
    "SEND_CLIENT_ID": "ClientId",
    "SEND_STATUS": "Status",
}
"""What the specification calls the tags whose names say here which page they are of."""
TAGS = {
    name: tag for name, tag in vars(t).items() if isinstance(tag, tuple) and all(isinstance(one, int) for one in tag)
}


def test_every_tag_has_the_name_that_libwbxml_gives_it() -> None:
    """All in one document, in the order of their pages."""
    document = encode(node(t.SYNC, *[node(tag) for tag in TAGS.values()]))
    command = ["wbxml2xml", "-m", "0", "-l", "ACTIVESYNC", "-o", "-", "-"]
    shown = subprocess.run(command, input=document, capture_output=True, check=True).stdout.decode()
    named = re.findall(r"<(\w+)", shown.partition("<Sync")[2])
    expected = [OTHERWISE.get(name, name.replace("_", "")).lower() for name in TAGS]
    assert [name.lower() for name in named] == expected
    assert len(expected) > 120


@pytest.mark.parametrize("page", [2])
def test_the_last_tokens_of_a_page_are_tags(page: int) -> None:
    """Email goes up to DisallowNewTimeProposal, 3F."""
    assert t.LAST_TOKENS[page] == 0x3F
