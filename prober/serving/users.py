"""Who may come in by name and password, of which only bcrypt hashes are known (RFC 7617, exporter-toolkit).

Rules of this file: no password outlives its request, and how long an answer takes does not tell whether a user exists.
"""

import asyncio
import base64
import binascii
import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt

HASH = re.compile(r"\$2[abxy]\$(?P<cost>0[4-9]|1[0-8])\$[./A-Za-z0-9]{53}")
"""What `htpasswd -B` and Go's bcrypt write; a cost beyond 18 would take half a minute each time."""
MEANT = 72
"""Bytes of a password that bcrypt looks at."""
REMEMBERED = 128
"""Right answers that are known again, since a scrape every few seconds must not cost a hash each time."""
WAITING = 32
"""Passwords that may wait for their turn; whoever comes then is one too many."""
NOBODY = "$2b${cost}$......................" + "." * 31
"""A hash that belongs to no password, for users who do not exist."""


class CrowdedError(Exception):
    """Too many passwords wait to be looked at."""


class Users:
    """Users by name with the hashes of their passwords. Looking at one takes a thread and its time, one at a time."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = dict(hashes)
        self._nobody = NOBODY.replace("{cost}", max((one[4:6] for one in hashes.values()), default="10"))
        self._key = os.urandom(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def __bool__(self) -> bool:
        return bool(self._hashes)

    async def admits(self, authorization: str) -> bool:
        """Whether an `Authorization` field names a user and the right password. Raises `CrowdedError`."""
        name, password = credentials(authorization)
        if name is None or b"\0" in password:
            return False
        known = self._hashes.get(name, self._nobody)
        mark = self._mark(name, known, password)
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        right = await self._look(password[:MEANT], known.encode()) and name in self._hashes
        if right:
            self._right[mark] = None
            while len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return right

    def _mark(self, name: str, known: str, password: bytes) -> bytes:
        """Return what a right answer is known again by: nobody gets from it, or from a guess at it, to the password."""
        parts = (name.encode(), known.encode(), password)
        sized = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hashlib.blake2b(sized, key=self._key, digest_size=32).digest()

    async def _look(self, password: bytes, known: bytes) -> bool:
        if self._waiting >= WAITING:
            raise CrowdedError
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(bcrypt.checkpw, password, known)
        finally:
            self._waiting -= 1


def credentials(authorization: str) -> tuple[str | None, bytes]:
    """Return user name and password of a Basic `Authorization` field (RFC 7617 section 2), `None` where it has none."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        pair = base64.b64decode(given.strip(), validate=True)
        name, colon, password = pair.partition(b":")
        return (name.decode() if colon else None), password
    except (binascii.Error, ValueError):
        return None, b""
