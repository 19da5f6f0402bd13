"""Extended buffers, spelt out byte by byte (MS-OXCRPC section 2.2.2.1)."""

import pytest

from prober.simulator.mapi.bodies import BodyInvalid
from prober.simulator.mapi.extended import unwrap, wrap


def test_a_plain_buffer_is_a_header_and_what_it_carries() -> None:
    """Version 0, the flag of the last one, the size twice."""
    assert wrap(b"abc") == bytes.fromhex("0000 0400 0300 0300") + b"abc"
    assert unwrap(bytes.fromhex("0000 0400 0300 0300") + b"abc") == b"abc"


def test_a_veiled_buffer_is_unveiled() -> None:
    """Each byte was combined with A5."""
    assert unwrap(bytes.fromhex("0000 0600 0300 0300") + bytes(byte ^ 0xA5 for byte in b"abc")) == b"abc"


def test_a_packed_buffer_is_unpacked() -> None:
    """With the bytes of MS-XCA section 3.1; packed and veiled at once as well."""
    packed = bytes.fromhex("ffffff1f 616263 1700 0f ff2601")
    assert unwrap(bytes.fromhex("0000 0500 0d00 2c01") + packed) == b"abc" * 100
    veiled = bytes(byte ^ 0xA5 for byte in packed)
    assert unwrap(bytes.fromhex("0000 0700 0d00 2c01") + veiled) == b"abc" * 100


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "00000400030003",
        "0100 0400 0300 0300 616263",
        "0000 0000 0300 0300 616263",
        "0000 0400 0400 0400 616263",
        "0000 0400 0200 0200 616263",
        "0000 0400 0300 0400 616263",
        "0000 0500 0300 0400 616263",
    ],
)
def test_what_is_no_buffer_is_invalid(raw: str) -> None:
    """Short, of another version, with more to follow, of another size, not packed though it says so."""
    with pytest.raises(BodyInvalid):
        unwrap(bytes.fromhex(raw))


def test_more_than_a_buffer_holds_is_a_mistake_of_ours() -> None:
    """32,767 bytes."""
    assert len(wrap(bytes(0x7FFF))) == 0x8007
    with pytest.raises(ValueError, match="more than"):
        wrap(bytes(0x8000))
