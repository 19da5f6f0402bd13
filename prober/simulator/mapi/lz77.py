"""The plain LZ77 that clients pack large buffers with (MS-XCA section 2.4, called DIRECT2 in MS-OXCRPC)."""

import struct

from prober.simulator.mapi.bodies import BodyInvalid

SHORTEST = 3
"""The shortest match there is."""


def decompress(packed: bytes, size: int) -> bytes:
    """Return the `size` bytes that `packed` stands for. Raises `BodyInvalid`."""
    try:
        return _Unpacker(packed, size).unpacked()
    except (IndexError, struct.error):
        raise BodyInvalid("compressed data ends too early") from None


class _Unpacker:
    """Goes through the packed bytes once; `_shared` is where a byte stands of which the upper half is still unused."""

    def __init__(self, packed: bytes, size: int) -> None:
        self._packed = packed
        self._size = size
        self._at = 0
        self._shared = -1
        self._out = bytearray()

    def unpacked(self) -> bytes:
        while len(self._out) < self._size:
            flags = self._number("<I")
            for bit in range(31, -1, -1):
                if len(self._out) >= self._size:
                    break
                if flags >> bit & 1:
                    self._match()
                else:
                    self._out.append(self._byte())
        if len(self._out) != self._size:
            raise BodyInvalid("compressed data is longer than it says")
        return bytes(self._out)

    def _match(self) -> None:
        """Repeat what stands some way back; the stretch may run into what it writes."""
        word = self._number("<H")
        back, length = (word >> 3) + 1, word & 7
        if length == 7:
            length = self._long()
        if back > len(self._out) or length + SHORTEST > self._size - len(self._out):
            raise BodyInvalid("compressed data points outside")
        for _ in range(length + SHORTEST):
            self._out.append(self._out[-back])

    def _long(self) -> int:
        """Return a length of seven or more: in half a byte, then in a byte, then in two, then in four."""
        half = self._half()
        if half < 15:
            return half + 7
        length = self._byte()
        if length < 255:
            return length + 15 + 7
        length = self._number("<H") or self._number("<I")
        if length < 15 + 7:
            raise BodyInvalid("compressed data has a length that is none")
        return length

    def _half(self) -> int:
        if self._shared < 0:
            self._shared = self._at
            return self._byte() & 15
        half, self._shared = self._packed[self._shared] >> 4, -1
        return half

    def _byte(self) -> int:
        self._at += 1
        return self._packed[self._at - 1]

    def _number(self, layout: str) -> int:
        (number,) = struct.unpack_from(layout, self._packed, self._at)
        self._at += struct.calcsize(layout)
        return int(number)
