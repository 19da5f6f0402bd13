"""URLs, host names, IP addresses and mail addresses as people write them.

The functions whose names end in `trouble` return what is wrong, or the empty text; none repeats what was written.
"""

import ipaddress
import re
from urllib.parse import urlsplit

WEB, MAIL = ("https", "http"), ("imaps", "imap")
HOST = re.compile(r"(?=.{1,253}$)(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?")
NAME_SERVER = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:\[\]]*)):(?P<port>[0-9]{1,5})")


def url_trouble(text: str, schemes: tuple[str, ...]) -> str:
    """Check an absolute URL of one of `schemes` without user name, password and fragment."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if parts.scheme not in schemes or port == 0 or not (is_host(host) or is_ip(host)) or _has_space(text):
        return f"must be a URL such as {schemes[0]}://host/"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    return "must not have a fragment" if parts.fragment else ""


def proxy_trouble(text: str) -> str:
    """Check the URL of a proxy: scheme, host and port, and nothing more."""
    trouble = url_trouble(text, ("http",))
    if trouble:
        return trouble
    parts = urlsplit(text)
    return "must be host and port alone: http://host:port" if parts.path not in ("", "/") or parts.query else ""


def is_host(text: str) -> bool:
    """Whether `text` is a host name (or an IPv4 address), also an internationalised one."""
    return HOST.fullmatch(text) is not None


def is_ip(text: str) -> bool:
    """Whether `text` is an IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def name_server_trouble(text: str) -> str:
    """Check `192.0.2.53`, `192.0.2.53:53`, `2001:db8::53` or `[2001:db8::53]:53`."""
    if is_ip(text):
        return ""
    match = NAME_SERVER.fullmatch(text)
    if match is None or not is_ip(match["v6"] or match["v4"] or ""):
        return "is not the address of a name server, such as 192.0.2.53 or [2001:db8::53]:53"
    return "" if 0 < int(match["port"]) < 65_536 else "has no valid port"


def direct_trouble(text: str) -> str:
    """Check one entry of `no_proxy`: a host, a suffix with its dot, an IP address or `*`."""
    if text == "*" or is_host(text.removeprefix(".")) or is_ip(text):
        return ""
    return "is neither a host nor a suffix such as .corp.example, nor *"


def mailbox_trouble(text: str) -> str:
    """Check an SMTP address (RFC 5321 section 4.1.2), without looking too closely."""
    local, at, domain = text.rpartition("@")
    good = at and 0 < len(local) <= 64 and "@" not in local and is_host(domain)
    return "" if good and not _has_space(text) else "must be an address: name@domain"


def _has_space(text: str) -> bool:
    return any(one.isspace() or not one.isprintable() for one in text)
