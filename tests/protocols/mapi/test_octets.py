"""Reading from the front."""

import pytest

from prober.faults.taxonomy import FaultError
from prober.protocols.mapi.octets import Octets
from prober.protocols.mapi.status import MALFORMED


def test_numbers_texts_and_runs_are_read_in_turn() -> None:
    """Lowest byte first; a wide character may hold a NUL byte."""
    reader = Octets(b"\x01\x02\x00\x00" + b"\x05\x00" + b"ab\0" + b"c\0\x00\x01\0\0" + b"\x02\0\0\0xy" + b"!", "test")
    assert (reader.number(), reader.number(2), reader.text()) == (0x0201, 5, b"ab")
    assert reader.wide_text() == "cĀ"
    assert reader.sized() == b"xy"
    assert (reader.left, reader.take(1), reader.left) == (1, b"!", 0)


@pytest.mark.parametrize("method", ["number", "text", "wide_text", "sized"])
@pytest.mark.parametrize("raw", [b"", b"\xff", b"\xff\xff\xff"])
def test_what_is_cut_off_is_malformed(method: str, raw: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        getattr(Octets(raw, "test"), method)()
    assert caught.value.fault.kind is MALFORMED
    assert caught.value.fault.evidence["body"] == "test"
