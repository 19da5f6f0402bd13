"""Who wants in, as the client says it: XOAUTH2, PLAIN (RFC 4616) and LOGIN, and what the doorkeeper makes of it."""

import base64
import binascii
import json
from dataclasses import dataclass, field

from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Site
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal

MECHANISMS = frozenset({"XOAUTH2", "PLAIN"})
PERMISSIONS = ("IMAP.AccessAsApp", "IMAP.AccessAsUser.All", "full_access_as_app", ".default")


@dataclass(frozen=True, slots=True)
class Presented:
    """What was presented. `mailbox` is the address to open, `account` whose password it is."""

    mailbox: str
    token: str = field(default="", repr=False)
    account: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. Not `admitted`: refused. Without `mailbox`: let in, but there is nothing this opens.

    `expires`: of the token, epoch seconds, 0 with a password.
    """

    admitted: bool
    who: str = ""
    mailbox: Mailbox | None = None
    expires: float = 0.0


def read(mechanism: str, response: bytes) -> Presented | None:
    """Return what a response says, `None` for one that is not the mechanism's."""
    try:
        plain = base64.b64decode(response, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return _xoauth2(plain) if mechanism == "XOAUTH2" else _plain(plain)


def judge(premises: Premises, site: Site | None, presented: Presented) -> Verdict:
    """Say whether this lets its bearer in, and which mailbox it opens."""
    if presented.token:
        return _by_token(premises, presented)
    own = site is not None and site.environment == SERVER
    fits = own and premises.doorkeeper.password_fits(presented.account, presented.password)
    if not fits:
        return Verdict(admitted=False, who=presented.mailbox)
    return _opened(premises, Admission(presented.account), presented.mailbox)


def challenge(diagnostics: str = "") -> bytes:
    """Return the server's error challenge of XOAUTH2, in base64."""
    said = {"status": "401", "schemes": "bearer", "scope": "https://outlook.office365.com/.default"}
    if diagnostics:
        said["diagnostics"] = diagnostics
    return base64.b64encode(json.dumps(said, separators=(",", ":")).encode())


def _by_token(premises: Premises, presented: Presented) -> Verdict:
    found = premises.doorkeeper.check(presented.token, EXCHANGE_NAMES)
    if isinstance(found, Refusal):
        return Verdict(admitted=False, who=presented.mailbox, expires=found.expires)
    if not any(granted.endswith(PERMISSIONS) for granted in found.permissions):
        return Verdict(admitted=False, who=presented.mailbox, expires=found.expires)
    return _opened(premises, found, presented.mailbox)


def _opened(premises: Premises, admission: Admission, address: str) -> Verdict:
    mailbox = premises.tenant.mailbox(address)
    if mailbox is not None and not premises.doorkeeper.may_open(admission, mailbox):
        mailbox = None
    return Verdict(admitted=True, who=address.lower(), mailbox=mailbox, expires=admission.expires)


def _xoauth2(plain: str) -> Presented | None:
    """Read `user=… 0x01 auth=Bearer … 0x01 0x01`."""
    if not plain.endswith("\x01\x01"):
        return None
    pairs = dict(part.partition("=")[::2] for part in plain[:-2].split("\x01"))
    scheme, _, token = pairs.get("auth", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or not pairs.get("user"):
        return None
    return Presented(pairs["user"], token=token.strip())


def _plain(plain: str) -> Presented | None:
    """Read `authorization-id 0x00 authentication-id 0x00 password`."""
    parts = plain.split("\x00")
    if len(parts) != 3 or not parts[1]:
        return None
    return Presented(parts[0] or parts[1], account=parts[1], password=parts[2])
