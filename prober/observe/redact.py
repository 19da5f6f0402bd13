"""What may be shown of evidence and facts: known names only, short values, nothing that looks like a secret."""

import re
from collections.abc import Mapping

from prober.model import Fact

LONGEST = 200
HIDDEN = "***"
LOOKS_SECRET = re.compile(
    r"[^\s@<>]+@[^\s@<>]+"  # an address
    r"|eyJ[\w-]{8,}"  # the head of a JWT
    r"|(?i:bearer|basic|negotiate|ntlm)\s+\S{8,}"
    r"|[A-Za-z0-9+/=_-]{80,}"  # long base64
)
SHOWN = frozenset(
    {
        "aadsts",
        "address",
        "addresses_tried",
        "answered",
        "attempts",
        "backoff",
        "bytes",
        "cached",
        "capability",
        "cause",
        "certificate_sha256",
        "challenge",
        "changes",
        "cipher",
        "client_request_id",
        "clock_skew",
        "code",
        "command",
        "correlation_id",
        "count",
        "eas_status",
        "edge",
        "element",
        "endpoint",
        "errno",
        "error",
        "estimate",
        "exception",
        "expected",
        "fe",
        "folder",
        "folders",
        "forest",
        "got",
        "heartbeat",
        "hosts",
        "http_status",
        "http_version",
        "id_offered",
        "idle_offered",
        "items",
        "key",
        "limit",
        "location",
        "mailboxes",
        "mechanism",
        "messages",
        "missing",
        "newest_internaldate",
        "offered",
        "option",
        "page",
        "phase",
        "policy",
        "protocol",
        "proxy_status",
        "read_only",
        "reason",
        "redirect",
        "region",
        "request_id",
        "response_code",
        "retry_after",
        "reused",
        "sasl_status",
        "scheme",
        "schemes",
        "scope_kind",
        "server_version",
        "shown",
        "site",
        "spec",
        "special_uses",
        "status",
        "store_status",
        "sub_status",
        "suberror",
        "tag",
        "text_kind",
        "tls",
        "tls_cipher",
        "tls_version",
        "token",
        "token_age",
        "tolerated",
        "trace_id",
        "tried",
        "type",
        "uid_validity_changed",
        "unknown",
        "verify_code",
        "version",
        "versions",
        "wanted",
        "where",
        "which",
        "x_feserver_site",
    }
)


def evidence(given: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return what may be shown of `given`: known names, values cut to 200 characters, look-alike secrets starred."""
    return {name: _value(value) for name, value in sorted(given.items()) if name in SHOWN}


def _value(value: Fact) -> Fact:
    if not isinstance(value, str):
        return value
    printable = "".join(character if character.isprintable() else "?" for character in value)
    return LOOKS_SECRET.sub(HIDDEN, printable)[:LONGEST]
