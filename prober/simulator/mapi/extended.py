"""Extended buffers: what carries operations and auxiliary data, packed or veiled or plain (MS-OXCRPC section 2.2.2.1).

Rule of this file: whatever a client may send is taken; what is sent from here is plain, which every client has to take.
"""

import struct

from prober.simulator.mapi.bodies import BodyInvalid
from prober.simulator.mapi.lz77 import decompress

HEADER = struct.Struct("<4H")
"""Version, flags, the size as it stands here, the size unpacked."""
COMPRESSED, VEILED, LAST = 0x0001, 0x0002, 0x0004
VEIL = 0xA5
LARGEST = 0x7FFF


def unwrap(buffer: bytes) -> bytes:
    """Return what one buffer, the last of its kind, carries. Raises `BodyInvalid`."""
    if len(buffer) < HEADER.size:
        raise BodyInvalid("shorter than its header")
    version, flags, size, actual = HEADER.unpack_from(buffer)
    payload = buffer[HEADER.size :]
    if version or not flags & LAST or size != len(payload):
        raise BodyInvalid("not one extended buffer")
    if flags & VEILED:
        payload = bytes(byte ^ VEIL for byte in payload)
    if flags & COMPRESSED:
        return decompress(payload, actual)
    if size != actual:
        raise BodyInvalid("two sizes of what is not packed")
    return payload


def wrap(payload: bytes) -> bytes:
    """Return `payload` in a buffer of its own. Raises `ValueError` for more than one may hold."""
    if len(payload) > LARGEST:
        raise ValueError("more than an extended buffer holds")
    return HEADER.pack(0, LAST, len(payload), len(payload)) + payload
