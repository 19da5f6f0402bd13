"""XML as it comes in and goes out."""

from xml.etree import ElementTree as ET

import pytest

from prober.simulator.http.markup import el, local, parse, space, spaced, text_of, written


def test_prefixes_and_default_namespaces_are_written_as_given() -> None:
    root = spaced(el("m:Answer", el("Name", "a & b"), Id="1"), m="urn:m", default="urn:d")
    assert written(root) == (
        b'<?xml version="1.0" encoding="utf-8"?>'
        b'<m:Answer Id="1" xmlns:m="urn:m" xmlns="urn:d"><Name>a &amp; b</Name></m:Answer>'
    )


def test_characters_that_xml_cannot_carry_are_replaced() -> None:
    """A subject may hold anything; the document has to stay well-formed."""
    root = ET.fromstring(written(el("a", "x\x00\x1b\ud800y\tz", name="\x01")))
    assert root.text == "x\ufffd\ufffd\ufffdy\tz"
    assert root.get("name") == "\ufffd"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"<a/><b/>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"\xff\xfe\x00",
        b"<a>" * 100 + b"</a>" * 100,
    ],
)
def test_what_cannot_be_trusted_is_not_read(body: bytes) -> None:
    assert parse(body) is None


def test_names_namespaces_and_texts_are_found() -> None:
    root = parse(b'<a xmlns="urn:x"><b> text </b><c/></a>')
    assert root is not None
    assert (local(root), space(root)) == ("a", "urn:x")
    assert text_of(root, "{urn:x}b") == "text"
    assert text_of(root, "x:b", {"x": "urn:x"}) == "text"
    assert text_of(root, "{urn:x}c") == text_of(root, "none") == text_of(None, "b") == ""
    bare = parse(b"<a/>")
    assert bare is not None
    assert (local(bare), space(bare)) == ("a", "")
