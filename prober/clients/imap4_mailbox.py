"""The way of an IMAP4 mail program to its inbox, by which its attempts go and its held channel as well.

Rule: no secret goes over a plain connection. At an `imap://` endpoint the upgrade to TLS happens in the step
`capability`, because only the capabilities tell whether the server can; that step then asks for them once more.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from prober.faults.taxonomy import PROBER_BUG, FaultError
from prober.model import Assignment
from prober.protocols.imap.authenticate import (
    Authenticate,
    Login,
    LoginMechanism,
    Mechanism,
    OAuthBearer,
    Plain,
    XOAuth2,
    non_synchronizing,
)
from prober.protocols.imap.commands import AskCapability, AskCapabilityAgain, Examine, Examined
from prober.protocols.imap.session import Conversation
from prober.protocols.imap.status import (
    IDLE_WITHDRAWN,
    MECHANISM_NOT_OFFERED,
    OAUTH_NOT_OFFERED,
    OAUTH_WITHDRAWN,
)
from prober.transaction import Token, Transaction, uses_oauth
from prober.vocabulary import Environment

ENDPOINT = "imap4"
OAUTH = ("XOAUTH2", "OAUTHBEARER")
PORTS = {"imap": 143, "imaps": 993}
TOKEN_MARGIN = 300.0
"""Seconds before a token's end from which a session may rightly be ended as expired."""
LONGEST_IDLE = 28 * 60.0
"""Seconds after which IDLE is renewed at the latest (RFC 2177 section 3: at least every 29 minutes)."""
SEEN = "yes"

MechanismChoice: TypeAlias = Literal["auto", "plain", "login", "xoauth2", "oauthbearer"]
SaslIr: TypeAlias = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Imap4Options:
    """What configuration may say of this client.

    `mechanism`: how to sign in; `auto` takes what credential and server have in common. `sasl_ir`: whether the first
    message of a mechanism goes on the command line (RFC 4959). `idle_seconds`: how long the periodic transaction
    stays in IDLE. `id_name` and `id_version` are what the ID command says of us.
    """

    mechanism: MechanismChoice = "auto"
    sasl_ir: SaslIr = "auto"
    idle_seconds: float = 1.0
    id_name: str = "client-access-prober"
    id_version: str = "1.0"

    def __post_init__(self) -> None:
        if not 0 < self.idle_seconds <= LONGEST_IDLE:
            raise ValueError(f"idle_seconds must be above 0 and at most {LONGEST_IDLE:.0f}")
        if not (self.id_name + self.id_version).isascii() or not (self.id_name + self.id_version).isprintable():
            raise ValueError("id_name and id_version must be printable ASCII")


@dataclass(slots=True)
class Lease:
    """Until when the token in use lives, on the timeline's clock; `None`: none is in use."""

    until: float | None = None


@dataclass(slots=True)
class MailProgram:
    """What the mail program knows within one session. `spent` is a token that the server ended a session over."""

    conversation: Conversation | None = None
    spent: Token | None = None
    token: Token | None = None
    lease: Lease = field(default_factory=Lease)
    inbox: Examined | None = None

    @property
    def talk(self) -> Conversation:
        """The open conversation; the greeting comes first in every transaction."""
        if self.conversation is None:
            raise FaultError(PROBER_BUG, {"missing": "greeting"})
        return self.conversation

    @property
    def bearer(self) -> Token:
        """The token in hand; asking for it comes before signing in."""
        if self.token is None:
            raise FaultError(PROBER_BUG, {"missing": "token_request"})
        return self.token


def options_of(assignment: Assignment) -> Imap4Options:
    """Return the assignment's options, or the defaults."""
    return assignment.options if isinstance(assignment.options, Imap4Options) else Imap4Options()


async def greeting(tx: Transaction, program: MailProgram) -> None:
    """Connect and read the greeting."""
    lease, clock = program.lease, tx.timeline.clock  # not `program` itself: it holds the conversation that holds this

    def token_valid() -> bool:
        return lease.until is None or lease.until - clock() > TOKEN_MARGIN

    talk = program.conversation = Conversation(await tx.dial(ENDPOINT), token_valid)
    await talk.greet()
    if talk.site:
        tx.note(site=talk.site)


async def capability(tx: Transaction, program: MailProgram) -> None:
    """Ask what the server offers, upgrading a plain connection to TLS on the way."""
    offered = await program.talk.run(AskCapability())
    if urlsplit(tx.endpoint(ENDPOINT)).scheme == "imap":
        await program.talk.start_tls()
        offered = await program.talk.run(AskCapability())
    _demand_oauth(tx, offered)


def _demand_oauth(tx: Transaction, offered: frozenset[str]) -> None:
    """Insist on OAuth where it is needed: what was there before is withdrawn, what never was is not set up."""
    if not uses_oauth(tx.assignment) and tx.target.environment is not Environment.EXCHANGE_ONLINE:
        return
    if not any(f"AUTH={name}" in offered for name in OAUTH):
        raise FaultError(OAUTH_WITHDRAWN if _seen(tx, "oauth_offered") else OAUTH_NOT_OFFERED)
    tx.device.memory["oauth_offered"] = SEEN


async def token_request(tx: Transaction, program: MailProgram) -> None:
    """Get a token for the mailbox."""
    token = await tx.token()
    if program.spent is not None and token.value == program.spent.value:
        token = await tx.token(fresh=True)
    program.token = token
    program.lease.until = tx.timeline.clock() + token.expires_in - token.age


async def authenticate(tx: Transaction, program: MailProgram) -> None:
    """Sign in by the best means that credential and server share."""
    options, offered = options_of(tx.assignment), program.talk.offered
    name = choose(options.mechanism, offered, oauth=uses_oauth(tx.assignment))
    tx.note(mechanism=name)
    if name in ("xoauth2", "oauthbearer"):
        mechanism = _token_mechanism(name, tx, program)
    else:
        username, password = tx.identity.username, await tx.identity.password()
        if name == "login" and "LOGINDISABLED" not in offered:
            await program.talk.run(Login(username, password, non_synchronizing(offered)))
            return
        mechanism = (Plain if name == "plain" else LoginMechanism)(username, password)
    initial = options.sasl_ir == "yes" or (options.sasl_ir == "auto" and "SASL-IR" in offered)
    await program.talk.run(Authenticate(mechanism, initial))


def _token_mechanism(name: str, tx: Transaction, program: MailProgram) -> Mechanism:
    token = program.bearer
    tx.note(token_age=round(token.age))
    if name == "xoauth2":
        return XOAuth2(tx.mailbox, token.value)
    url = urlsplit(tx.endpoint(ENDPOINT))
    return OAuthBearer(tx.mailbox, token.value, url.hostname or "", url.port or PORTS[url.scheme])


def choose(choice: MechanismChoice, offered: frozenset[str], *, oauth: bool) -> MechanismChoice:
    """Return the means of signing in. `auto`: the first of the credential's that the server offers.

    Raises `FaultError` (`imap_oauth_not_offered`, `imap_mechanism_not_offered`).
    """
    fitting: tuple[MechanismChoice, ...] = ("xoauth2", "oauthbearer") if oauth else ("plain", "login")
    wanted = fitting if choice == "auto" else tuple(one for one in fitting if one == choice)
    for name in wanted:
        if f"AUTH={name.upper()}" in offered or (name == "login" and "LOGINDISABLED" not in offered):
            return name
    missing = OAUTH_NOT_OFFERED if oauth and choice == "auto" else MECHANISM_NOT_OFFERED
    raise FaultError(missing, {"mechanism": choice, "credential": "token" if oauth else "password"})


async def capability_auth(tx: Transaction, program: MailProgram) -> None:
    """Ask what the server offers now."""
    offered = await program.talk.run(AskCapabilityAgain())
    if "IDLE" in offered:
        tx.device.memory["idle_offered"] = SEEN
    elif _seen(tx, "idle_offered"):
        raise FaultError(IDLE_WITHDRAWN)
    else:
        tx.note(idle_offered=False)


async def select_inbox(tx: Transaction, program: MailProgram) -> None:
    """Open the inbox for reading only."""
    inbox = program.inbox = await program.talk.run(Examine())
    before, now = tx.device.memory.get("uid_validity"), str(inbox.uid_validity)
    tx.device.memory["uid_validity"] = now
    tx.note(messages=inbox.exists, read_only=inbox.read_only)
    if before not in (None, now):
        tx.note(uid_validity_changed=True)


def _seen(tx: Transaction, name: str) -> bool:
    return tx.device.memory.get(name) == SEEN


SIGN_IN = (greeting, capability, token_request, authenticate, capability_auth)


async def sign_in(tx: Transaction, program: MailProgram) -> None:
    """Take every step up to the signed-in state; ask for a token only where the credential yields one."""
    for act in SIGN_IN:
        if act is not token_request or uses_oauth(tx.assignment):
            await act(tx, program)


async def begin_idle(program: MailProgram) -> bool:
    """Begin IDLE; return whether the server offers it."""
    if "IDLE" not in program.talk.offered:
        return False
    await program.talk.idle()
    return True
