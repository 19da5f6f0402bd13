"""What Exchange's greeting gives away: which front-end site answered.

The bracket at the end of the banner is base64 of UTF-16LE text, the full name of the front-end server. Only the site
part of a name of Microsoft's own data centres leaves this function; the name of anybody else's server never does.
"""

import base64
import binascii
import re

BRACKET = re.compile(r"\[([A-Za-z0-9+/]{8,1024}={0,2})\]\s*\Z")
FRONT_END = re.compile(r"([A-Z]{2}[A-Z0-9]{2,8})[A-Z]{2}\d{4}\.[A-Z0-9-]+\.PROD\.[A-Z.]+", re.IGNORECASE)
"""Site, role, number, forest: FR3P281 CA 0157 . DEUP281 . PROD.OUTLOOK.COM."""


def site(text: str) -> str:
    """Return the site of the front end that a greeting's `text` names (`FR3P281`), or nothing."""
    bracket = BRACKET.search(text)
    if bracket is None:
        return ""
    try:
        name = base64.b64decode(bracket[1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    front_end = FRONT_END.fullmatch(name)
    return front_end[1].upper() if front_end else ""
