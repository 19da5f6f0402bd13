"""What a token says of itself, as far as whoever holds it may look: that it can be read, and until when it is good.

Access tokens are meant for the resource, and a provider may make them opaque; only those that have the form of a JWT
(RFC 7519) are held to it. The signature is the resource's business.
"""

import base64
import json
import re
from typing import Any

from prober.faults.taxonomy import FaultError
from prober.protocols.oidc import status
from prober.secret import Secret

FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
MARKED = "eyJ"
"""How base64url writes the beginning of a JSON object."""


def expiry(token: Secret) -> float | None:
    """Return when a JWT expires, in seconds since the epoch; `None` for a token of another form.

    Raises `FaultError` (`token_undecodable`) for a JWT that cannot be read or does not say (RFC 7519 section 4.1.4).
    """
    text = token.reveal()
    if not (FORM.fullmatch(text) or text.startswith(MARKED)) or text.count(".") == 4:
        return None
    parts = text.split(".")
    claims = _object(parts[1]) if len(parts) == 3 and _object(parts[0]) is not None else None
    if claims is None:
        raise FaultError(status.TOKEN_UNDECODABLE, {"token": "not decodable"})
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 < expires < 1e11:
        raise FaultError(status.TOKEN_UNDECODABLE, {"missing": "exp"})
    return float(expires)


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
