"""Bytes to elements and back, held to bytes that others wrote; whatever the bytes, only a fault comes out."""

import re
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyactivesync import _wbxml

from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.wbxml.codec import (
    BAD_WBXML,
    BLANK,
    DEEPEST,
    LARGEST,
    MOST_ELEMENTS,
    Element,
    Form,
    decode,
    element,
    encode,
)
from tests.protocols.wbxml.vectors import SYNC_ANSWER, VECTORS, vector

HEADER = b"\x03\x01\x6a\x00"


def refused(data: bytes) -> dict[str, str]:
    """Return the evidence of the fault that `data` gives."""
    with pytest.raises(FaultError) as caught:
        decode(data)
    assert caught.value.fault.kind is BAD_WBXML
    assert caught.value.fault.reason is Reason.PROTOCOL_VIOLATION
    return dict(caught.value.fault.evidence)


def test_the_example_of_the_specification_reads_as_it_says() -> None:
    """Its start, closed by three ends."""
    root = decode(bytes.fromhex(SYNC_ANSWER) + b"\x01\x01\x01")
    collection = root.find("AirSync:Collections", "AirSync:Collection")
    assert collection is not None
    read = [(child.name, child.text) for child in collection.children]
    assert read == [
        ("AirSync:Class", "Contacts"),
        ("AirSync:SyncKey", "2"),
        ("AirSync:CollectionId", "2"),
        ("AirSync:Status", "1"),
    ]


def test_a_document_with_an_end_missing_is_refused() -> None:
    """As a truncated answer is."""
    assert refused(bytes.fromhex(SYNC_ANSWER))["error"] == "ends early"


@pytest.mark.parametrize("name", VECTORS)
def test_what_was_read_is_written_the_same(name: str) -> None:
    """The vectors are not ours, so both directions are held to them."""
    assert encode(decode(vector(name))) == vector(name)


def _flat(node: Element) -> list[tuple[str, str]]:
    return [(node.name.replace(":", "."), node.text)] + [row for child in node.children for row in _flat(child)]


def _flat_of_witness(nodes: list[_wbxml.Node]) -> list[tuple[str, str]]:
    rows = []
    for name, _, children in nodes:
        texts = [value if isinstance(value, str) else value.decode() for tag, value, _ in children if tag[0] == "#"]
        rows.append((name, "".join(texts)))
        rows += _flat_of_witness([child for child in children if child[0][0] != "#"])
    return rows


@pytest.mark.parametrize("name", VECTORS)
def test_another_reader_reads_the_same(name: str) -> None:
    """Tags and texts in order."""
    witness = _flat_of_witness(_wbxml.WBXMLReader(vector(name)).parse())
    ours = _flat(decode(vector(name)))
    assert len(ours) == len(witness)
    for (tag, text), (seen, seen_text) in zip(ours, witness, strict=True):
        assert text == seen_text
        named = seen.split(".")[1].lower()
        assert named.startswith("0x") or named == tag.split(".")[1].lower()  # it does not know every tag by name


TREE = element(
    "AirSync:Sync",
    element(
        "AirSync:Collections",
        element("AirSync:Collection", element("AirSync:SyncKey", "käy"), element("AirSyncBase:Type", "1")),
    ),
    element("ComposeMail:Mime", bytes(range(256)) * 2),
)


def test_another_reader_reads_what_we_write() -> None:
    """Two pages, a letter beyond ASCII, opaque data with a length of two bytes."""
    nodes = _wbxml.WBXMLReader(encode(TREE)).parse()
    assert _wbxml.text_of(_wbxml.find(nodes, "AirSync.SyncKey")) == "käy"
    assert _wbxml.text_of(_wbxml.find(nodes, "AirSyncBase.Type")) == "1"
    assert _wbxml.opaque_of(_wbxml.find(nodes, "ComposeMail.MIME")) == bytes(range(256)) * 2


def test_libwbxml_reads_what_we_write() -> None:
    """By its command."""
    tree = element("FolderHierarchy:FolderSync", element("FolderHierarchy:SyncKey", "käy"))
    command = ["wbxml2xml", "-m", "0", "-l", "ACTIVESYNC", "-o", "-", "-"]
    xml = subprocess.run(command, input=encode(tree), capture_output=True, check=True).stdout.decode()
    assert "<SyncKey>käy</SyncKey>" in xml
    assert xml.rstrip().endswith("</FolderSync>")


def _rows_of_xml(document: bytes) -> list[tuple[str, str]]:
    """Return tag and text in order, as libwbxml reads them; it shows opaque data in base64."""
    command = ["wbxml2xml", "-m", "0", "-l", "ACTIVESYNC", "-o", "-", "-"]
    xml = subprocess.run(command, input=document, capture_output=True, check=True).stdout.decode()
    found = re.findall(r"<([A-Za-z]+)(?: xmlns=\"[^\"]*\")?/?>([^<]*)", xml.partition("]>")[2] or xml)
    return [(tag.lower(), text) for tag, text in found]


@pytest.mark.parametrize("name", VECTORS)
def test_libwbxml_reads_every_command_as_we_meant_it(name: str) -> None:
    """Names and texts in order."""
    meant = decode(vector(name))
    shown = {"MIME": "TUlNRQ=="}
    ours = [(tag.split(".")[1].lower(), shown.get(text, text)) for tag, text in _flat(meant)]
    assert _rows_of_xml(encode(meant)) == ours


def test_we_read_what_another_writer_writes() -> None:
    """Opaque data and text."""
    writer = _wbxml.WBXMLWriter()
    inner = [_wbxml.wtag("ComposeMail", "ClientId", text="ö"), _wbxml.wtag("ComposeMail", "MIME", opaque=b"\0" * 300)]
    root = decode(writer.tag("ComposeMail", "SendMail", inner).render())
    assert root.at("ComposeMail:ClientId") == "ö"
    mime = root.find("ComposeMail:Mime")
    assert mime is not None
    assert mime.content == b"\0" * 300


def test_pieces_of_text_are_joined() -> None:
    """Inline strings and opaque data, also when a letter is cut in two."""
    root = decode(HEADER + b"\x4b\x03a\xc3\x00\xc3\x02\xa4b\x03c\x00\x01")
    assert root.text == "aäbc"


def test_an_empty_element_takes_one_byte() -> None:
    """No content flag, no end."""
    assert encode(element("AirSync:GetChanges")) == HEADER + b"\x13"
    assert decode(HEADER + b"\x13") == Element("AirSync:GetChanges")


def test_a_name_that_is_in_no_page_is_our_mistake() -> None:
    """Legacy tags are among those."""
    with pytest.raises(KeyError):
        encode(element("AirSync:Nonsense"))
    with pytest.raises(KeyError):
        encode(element("AirSync:Version"))
    assert decode(HEADER + b"\x11").name == "AirSync:Version"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "ends early"),
        (b"<html>", "not WBXML"),
        (b"\x03\x01\x04\x00\x05", "not UTF-8"),
        (b"\x03\x01\x6a\x05hello\x05", "string table"),
        (HEADER, "ends early"),
        (HEADER + b"\x01", "end without a start"),
        (HEADER + b"\x03a\x00", "text outside of elements"),
        (HEADER + b"\x45\x03abc", "text without an end"),
        (HEADER + b"\x45\xc3\x7fabc", "opaque data longer than the document"),
        (HEADER + b"\x45\xc3\xff\xff\xff\xff\xff\x01", "number too long"),
        (HEADER + b"\x05\x05", "bytes after the end"),
        (HEADER + b"\x45" * (DEEPEST + 1), "nested too deep"),
        (HEADER + b"\x45" + b"\x13" * MOST_ELEMENTS + b"\x01", "too many elements"),
        (b"\x03" * (LARGEST + 1), "larger than allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_way_of_being_wrong_has_its_words(data: bytes, error: str) -> None:
    """And is one kind of fault."""
    assert refused(data)["error"] == error


@pytest.mark.parametrize(
    ("data", "page", "token"),
    [(b"\x3f", "0", "0x3f"), (b"\x00\x07\x7f", "7", "0x7f"), (b"\x00\xfe\x05", "254", "0x05"), (b"\x85", "0", "0x85")],
)
def test_an_unknown_token_is_named(data: bytes, page: str, token: str) -> None:
    """With its page; attributes are never used and are as unknown as entities and string tables."""
    evidence = refused(HEADER + data)
    assert (evidence["page"], evidence["token"]) == (page, token)


def test_the_deepest_allowed_nesting_is_allowed() -> None:
    """One less than what is refused."""
    assert decode(HEADER + b"\x45" * DEEPEST + b"\x01" * DEEPEST).name == "AirSync:Sync"


def test_content_does_not_show() -> None:
    """Documents hold subjects and addresses."""
    assert "canary" not in repr(element("Email:Subject", "canary"))


def survives(data: bytes) -> None:
    """Read `data`: an element, or the one fault."""
    kinds = []
    try:
        decode(data)
    except FaultError as error:
        kinds.append(error.fault.kind)
    assert set(kinds) <= {BAD_WBXML}


@given(st.binary(max_size=400))
def test_any_bytes_give_an_element_or_the_fault(data: bytes) -> None:
    """With and without a good header."""
    survives(data)
    survives(HEADER + data)


@given(st.sampled_from(sorted(VECTORS)), st.data())
def test_a_damaged_document_gives_an_element_or_the_fault(name: str, data: st.DataObject) -> None:
    """One byte changed, and the rest cut off somewhere."""
    document = bytearray(vector(name))
    document[data.draw(st.integers(0, len(document) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(document[: data.draw(st.integers(0, len(document)))]))


NAMES = st.sampled_from(["AirSync:Sync", "Email:Subject", "Settings:Get", "ComposeMail:Mime", "Find:Query"])
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
LEAF: st.SearchStrategy[Element] = st.builds(Element, NAMES, st.one_of(st.none(), TEXT, st.binary(min_size=1)))


def grown(inner: st.SearchStrategy[Element]) -> st.SearchStrategy[Element]:
    make: Callable[[str, list[Element]], Element] = lambda name, children: Element(name, tuple(children))  # noqa: E731
    return st.builds(make, NAMES, st.lists(inner, min_size=1, max_size=4))


@given(st.recursive(LEAF, grown, max_leaves=20))
def test_what_is_written_is_read_back(tree: Element) -> None:
    """On top of the vectors: pages switch back and forth, texts hold anything."""
    assert decode(encode(tree)) == tree


def _of_two(key: str, kind: str) -> Element:
    return element(
        "AirSync:Collection",
        element("AirSync:SyncKey", key),
        element("AirSync:WindowSize", "100%b %"),
        element("AirSyncBase:Type", kind),
    )


@given(st.text(), st.text())
def test_a_form_that_is_filled_is_the_document_written_anew(key: str, kind: str) -> None:
    """Empty texts, percent signs, letters beyond ASCII and NUL, which no text may hold, included."""
    assert Form(_of_two(BLANK, BLANK)).fill(key, kind) == encode(_of_two(key, kind))


@pytest.mark.parametrize("texts", [(), ("1",), ("1", "2", "3")])
def test_a_form_wants_as_many_texts_as_it_has_blanks(texts: tuple[str, ...]) -> None:
    """A mistake of ours is not sent."""
    with pytest.raises(TypeError):
        Form(_of_two(BLANK, BLANK)).fill(*texts)


def test_what_is_inside_of_an_element_is_not_printed() -> None:
    """It may be somebody's mail."""
    assert repr(element("AirSync:SyncKey", "somebody's")) == "Element('AirSync:SyncKey')"
