"""Answers of a sign-in service, and what cutting and shaking makes of them."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError

ERROR = {
    "error": "invalid_request",
    "error_description": "AADSTS90002: Tenant 'x' not found. Trace ID: 1 Correlation ID: 2",
    "error_codes": [90002],
}
"""As Entra ID words a refusal."""


def said(body: object, status: int = 200, **headers: str) -> Reply:
    """Return an answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, Headers((name.replace("_", "-"), text) for name, text in headers.items()), content)


def shaken(body: bytes, seed: int = 1) -> Iterator[bytes]:
    """Give `body` cut at every place, with bytes of it replaced, and bytes that have nothing to do with it."""
    rng = random.Random(seed)
    yield from (body[:end] for end in range(len(body)))
    for _ in range(400):
        changed = bytearray(body)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.choice(b'"{}[]:,\\\x00\xff0antf')
        yield bytes(changed)
        yield rng.randbytes(rng.randint(0, 60))
    yield b"[" * 100_000
    yield b'{"a":' * 100_000


def outcomes(read: Callable[[Reply], Any], body: bytes) -> set[str]:
    """Return what becomes of every variant of `body`: codes of faults, and `read`."""
    found = set()
    for variant in shaken(body):
        for status in (200, 400, 503):
            try:
                read(said(variant, status))
                found.add("read")
            except FaultError as error:
                found.add(error.fault.kind.code)
    return found
