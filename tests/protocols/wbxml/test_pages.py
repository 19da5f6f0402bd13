"""The tables of tags hold together, and agree with those of two others."""

import re
import subprocess

import pytest
from pyactivesync import _codepages

from prober.protocols.wbxml.pages import LEGACY, PAGES

DISPUTED = {(25, "MaxPictures"): 0x20, (25, "MaxSize"): 0x21, (25, "Picture"): 0x22}
"""Numbered otherwise by the witness; the specification's numbers stand, and no step uses them."""


def test_every_page_of_the_specification_is_there() -> None:
    """0 to 25; 3 was never given out, as page 0 to 25 count it."""
    assert set(PAGES) == set(range(26)) - {3}
    assert len({name for name, _ in PAGES.values()}) == len(PAGES)


def test_tags_are_identities_and_unique_within_their_page() -> None:
    """0x05 to 0x3F; the higher bits are flags."""
    for _, tags in PAGES.values():
        assert all(0x05 <= token <= 0x3F for token in tags)
        assert len(set(tags.values())) == len(tags)


def test_legacy_tags_take_no_place_of_a_present_one() -> None:
    """They are only decoded."""
    for page, tags in LEGACY.items():
        assert not set(tags) & set(PAGES[page][1])
        assert all(0x05 <= token <= 0x3F for token in tags)


def _shared() -> list[tuple[int, str, int]]:
    """Return page number, tag and the number that the witness gives it, where both know the tag."""
    rows = []
    for page, number in _codepages.PAGE_INDEX.items():
        ours = PAGES[number][1].values() if number in PAGES else ()
        rows += [(number, tag, token) for tag, token in _codepages.CODEPAGES[page].items() if tag in ours]
    return rows


def test_the_witness_knows_enough_to_be_one() -> None:
    """Or the next test would prove little."""
    assert len(_shared()) > 250


@pytest.mark.parametrize(("page", "tag", "token"), _shared())
def test_a_tag_has_the_number_that_another_client_gives_it(page: int, tag: str, token: int) -> None:
    """pyactivesync has its tables from the specification, not from us."""
    if (page, tag) in DISPUTED:
        assert PAGES[page][1][DISPUTED[page, tag]] == tag
    else:
        assert PAGES[page][1].get(token) == tag


def _xml(document: bytes) -> str:
    command = ["wbxml2xml", "-m", "0", "-l", "ACTIVESYNC", "-o", "-", "-"]
    return subprocess.run(command, input=document, capture_output=True, check=True).stdout.decode()


SPELT = {"SMTPAddress": "SmtpAddress", "Mime": "MIME"}
UNKNOWN_TO_LIBWBXML = {(18, 0x2B)}  # its name is misspelt there


@pytest.mark.parametrize("page", [0, 5, 6, 7, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23])
def test_a_whole_page_reads_the_same_to_libwbxml(page: int) -> None:
    """One document with every tag of the page, made here token by token. All pages that a step uses are among them."""
    tags = {token: tag for token, tag in PAGES[page][1].items() if (page, token) not in UNKNOWN_TO_LIBWBXML}
    switch = bytes((0x00, page)) if page else b""
    xml = _xml(b"\x03\x01\x6a\x00" + b"\x45" + switch + bytes(sorted(tags)) + b"\x01")
    read = re.findall(r"<([A-Z][A-Za-z0-9]*)(?: xmlns=\"[^\"]*\")?/>", xml)
    assert read == [SPELT.get(tags[token], tags[token]) for token in sorted(tags)]
