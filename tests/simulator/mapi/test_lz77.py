"""Packed bytes, as MS-XCA section 3.1 prints them."""

import pytest

from prober.simulator.mapi.bodies import BodyInvalid
from prober.simulator.mapi.lz77 import decompress

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"
LITERALS = bytes.fromhex("3f000000") + ALPHABET
REPEATED = bytes.fromhex("ffffff1f 616263 1700 0f ff2601")


@pytest.mark.parametrize(("packed", "plain"), [(LITERALS, ALPHABET), (REPEATED, b"abc" * 100), (b"", b"")])
def test_the_specification_s_examples_unpack(packed: bytes, plain: bytes) -> None:
    """Nothing but literals; three letters and one long match that runs into itself."""
    assert decompress(packed, len(plain)) == plain


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        ("00000040 61 0100", b"a" + b"a" * 4),
        ("00000060 61 0700 10 0700", b"a" + b"a" * 10 + b"a" * 11),
        ("00000040 61 0700 0f 05", b"a" + b"a" * (5 + 15 + 7 + 3)),
        ("00000040 61 0700 0f ff 0000 00010000", b"a" + b"a" * (256 + 3)),
    ],
)
def test_every_form_of_a_length_is_read(packed: str, plain: bytes) -> None:
    """In three bits; in half a byte, of which the next match has the other half; in a byte; in four."""
    assert decompress(bytes.fromhex(packed), len(plain)) == plain


@pytest.mark.parametrize(
    ("packed", "size"),
    [
        (b"", 1),
        (LITERALS[:10], 26),
        (REPEATED[:-1], 300),
        (bytes.fromhex("00000080 0000"), 5),
        (bytes.fromhex("00000040 61 0800"), 4),
        (REPEATED, 299),
        (bytes.fromhex("00000040 61 0700 0f ff 0100"), 5),
        (bytes.fromhex("02000300 07000000 07000000 06000000 03002020 20202020 0900"), 90),
    ],
)
def test_what_does_not_unpack_is_invalid(packed: bytes, size: int) -> None:
    """Cut off, pointing before the beginning or behind the end, with a length that is none, random."""
    with pytest.raises(BodyInvalid):
        decompress(packed, size)
